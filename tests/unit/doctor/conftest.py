"""The keys and the key server of the tests of `auth`."""

from tests.unit.auth.conftest import ec_issuer, key_server, rsa_issuer

__all__ = ["ec_issuer", "key_server", "rsa_issuer"]
