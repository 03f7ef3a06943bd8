"""Topics' messages: whom they are for, what they look like, when they are tried again."""
