"""What prprep says to other tools: one JSON document for each command, its schema and pages, and JUnit XML."""
