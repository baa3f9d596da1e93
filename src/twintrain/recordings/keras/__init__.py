"""What records a Keras model, whatever Keras runs on."""
