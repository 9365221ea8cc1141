"""python -m models.training.fit TASK ...: see command.py."""

from models.training.fit.command import main

if __name__ == "__main__":
    main()
