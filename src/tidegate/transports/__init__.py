"""How clients reach the gateway."""
