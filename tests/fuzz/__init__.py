"""Random queries over the corpus catalogue, put to the plain server and to the proxy."""
