"""Apache Kafka, PostgreSQL and the processes of the services under one supervisor, in one home directory."""
