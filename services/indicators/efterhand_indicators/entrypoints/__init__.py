"""Where the service is called from: the API process and the worker process."""
