"""The rules: a folder for each topic, a file for each rule; ``registry`` says how."""
