"""Instructions that an event, a delivery, a handshake and an ack take: noise can't shake them."""
