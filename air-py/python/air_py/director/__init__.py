"""The program director: channels for viewers over HTTP, each on air only while somebody watches."""
