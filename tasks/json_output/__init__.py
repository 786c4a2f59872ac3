"""What prprep says to other tools: one JSON document for each command, its schema and documentation, and JUnit XML."""
