# Dependencies point one way; see docs/architecture.md. Filled in by the check below.
