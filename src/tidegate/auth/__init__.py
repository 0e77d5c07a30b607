"""A token becomes an identity: who may connect, from where, and as whom."""

from tidegate.auth.addresses import TrustedProxies, address_group
from tidegate.auth.authenticator import MAX_TOKEN_SIZE, Authenticator, Handshake, token_from
from tidegate.auth.cache import TokenCache
from tidegate.auth.claims import claim_at
from tidegate.auth.identity import Identity
from tidegate.auth.jwks import JWKSKeys
from tidegate.auth.jwt import JWTAuthenticator, JWTConfig
from tidegate.auth.keys import ALGORITHMS, Key, KeySource, StaticKeys
from tidegate.auth.origins import OriginPolicy
from tidegate.auth.revocation import RevocationList

__all__ = [
    "ALGORITHMS",
    "MAX_TOKEN_SIZE",
    "Authenticator",
    "Handshake",
    "Identity",
    "JWKSKeys",
    "JWTAuthenticator",
    "JWTConfig",
    "Key",
    "KeySource",
    "OriginPolicy",
    "RevocationList",
    "StaticKeys",
    "TokenCache",
    "TrustedProxies",
    "address_group",
    "claim_at",
    "token_from",
]
