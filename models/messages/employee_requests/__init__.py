"""Words about what employees ask of us: catalogue items as data, and the requests that live by them."""
