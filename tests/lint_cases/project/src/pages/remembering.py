class remembered:
    def __init__(self, function) -> None:
        self.function = function

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance, owner: type):
        if self.name not in instance.memory:
            instance.memory[self.name] = self.function(instance)
        return instance.memory[self.name]
