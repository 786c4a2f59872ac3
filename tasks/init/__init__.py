"""What is known of optimizations before there is a manifest: notes, files of results, commits and branches."""
