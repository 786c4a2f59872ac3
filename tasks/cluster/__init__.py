"""Send jobs to other machines: dask.distributed carries them, from `prprep --workers` to every `prprep worker`."""
