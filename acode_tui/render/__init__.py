"""Values into text and colour: pure, so that all of it can be tested without a terminal."""
