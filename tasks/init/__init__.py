"""Find optimizations for a first manifest: in notes, result files, commits and branches."""
