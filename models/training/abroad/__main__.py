"""python -m models.training.abroad TASK ...: see command.py."""

from models.training.abroad.command import main

if __name__ == "__main__":
    main()
