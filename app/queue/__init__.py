"""Jobs in a process of their own: the queue on disk, the worker that owns the device, and who looks after it.

- failures: what can go wrong, as sentences; progress: what work says of itself, and how it is timed
- settings: the values that jobs are built of; drawing_jobs, jobs: the closed list of what can be asked for
- work: how the worker gets at what does it
- database: the SQLite file; paces: how long things take; snapshots: what a page sees
- store: the server's side of the queue; claims: the worker's side
- locks: one worker per device, and whether any server is there; worker, supervisor: the two processes

Nothing here knows models, pages or the layout of a story's folder.
"""
