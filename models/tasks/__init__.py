"""One declarative file per task: TASK = Task(...). See models/task.py for what each field means."""
