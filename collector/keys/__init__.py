"""Where keys are (files, the system keyring, the environment), and whose signatures the user trusts."""
