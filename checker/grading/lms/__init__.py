"""Downloads of learning management systems: read safely, understood by their naming schemes, matched with a class."""
