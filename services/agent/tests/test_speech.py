# ruff: noqa: E501, RUF001 - a table reads by its rows, and people write what they write
"""Questions and negations change nothing; requests do, however politely they are put."""

import pytest

from agent.speech import Speech, heard

QUESTIONS = [
    "is the milk done?", "is the milk done", "did I buy eggs?", "did I buy eggs", "delete eggs?", "should I delete eggs?",
    "can I add milk?", "do you have milk on the list?", "what is on Groceries?", "why did you delete eggs?",
    "I bought the milk, didn't I?", "can you tell me if the milk is done?", "have I bought the eggs",
    "add tea and delete eggs?", "are the eggs done and delete milk?", "was passt noch auf die Liste?",
    "ist die Milch erledigt?", "ist die Milch erledigt", "habe ich Eier gekauft?", "soll ich die Eier löschen?",
    "kannst du mir sagen, ob die Milch erledigt ist?",
    "le lait est-il fait ?", "est-ce que le lait est fait ?", "ai-je acheté des œufs ?", "dois-je supprimer les œufs ?",
    "¿está hecha la leche?", "está hecha la leche", "¿he comprado huevos?", "¿debo borrar los huevos?",
    "牛奶完成了吗?", "牛奶完成了吗？", "我买了鸡蛋吗", "有没有牛奶", "要删除鸡蛋吗",
]  # fmt: skip
NEGATIONS = [
    "don't delete eggs", "do not delete eggs", "please don't delete eggs", "Don’t delete the eggs!", "never delete eggs",
    "I don't want to delete eggs", "you must not delete eggs", "the eggs must not be deleted", "dont delete eggs",
    "please, whatever you do, do not delete eggs", "never mind", "I didn't buy the milk",
    "lösche die Eier nicht", "bitte lösch nicht die Eier", "die Eier bitte nicht löschen", "füge keine Milch hinzu",
    "ne supprime pas les œufs", "n'efface pas le lait", "surtout ne supprime jamais les œufs", "supprime pas les œufs",
    "no borres los huevos", "por favor, no borres los huevos", "nunca borres los huevos",
    "不要删除鸡蛋", "别删鸡蛋", "请不要删除鸡蛋", "我没有买鸡蛋",
]  # fmt: skip
REQUESTS = [
    "add milk", "delete eggs", "delete eggs!", "can you add milk?", "could you delete eggs?", "could you please delete eggs?",
    "would you mind deleting eggs?", "please add milk", "yes, delete the list Travel", "hey, can you add milk?",
    "add milk, ok?", "I bought the milk", "mark bread as not done", "don't forget to call mom", "don't forget the milk",
    "add don't forget keys to Travel", 'add "is the milk done?" to Groceries', 'add "don\'t delete eggs" to Groceries',
    "add never gonna give you up to Music", "milk is done", "remove the due date from eggs", "no due date for milk",
    "add what is love to Music", "can you add milk and delete eggs?", "rename Work to What's next", "add Dr. Who to Films",
    "add what if to Films", "add ask if it works to Work", "no, delete eggs", "delete do not disturb",
    "kannst du Milch hinzufügen?", "könntest du bitte die Eier löschen?", "ich habe die Milch gekauft",
    "vergiss nicht, Mama anzurufen", "markiere Brot als nicht erledigt", "füge Milch hinzu",
    "peux-tu ajouter du lait ?", "pourrais-tu supprimer les œufs ?", "j'ai acheté le lait", "n'oublie pas le lait",
    "ajoute rendez-vous à Travail", "puedes añadir leche?", "¿puedes añadir leche?", "¿podrías borrar los huevos?",
    "he comprado la leche", "no olvides la leche",
    "你能添加牛奶吗?", "能不能帮我删除鸡蛋?", "请添加牛奶", "我买了牛奶", "别忘了买牛奶", "把级别加到工作",
]  # fmt: skip


@pytest.mark.parametrize("request_", QUESTIONS)
def test_a_question_asks_for_no_change(request_: str) -> None:
    found = heard(request_)
    assert found.acting == ""
    assert found.asks


@pytest.mark.parametrize("request_", NEGATIONS)
def test_a_negation_asks_for_no_change_to_what_it_names(request_: str) -> None:
    found = heard(request_)
    assert not any(thing in found.acting.casefold() for thing in ("egg", "eier", "œuf", "huevo", "蛋", "milk", "lait"))
    assert any(clause.speech is Speech.NEGATION for clause in found.clauses)


@pytest.mark.parametrize(
    "request_",
    [
        "if it rains, delete the picnic", "If the milk is done, delete eggs", "delete eggs if the milk is done",
        "unless I call, delete eggs", "wenn die Milch erledigt ist, lösche die Eier", "lösche die Eier, falls es regnet",
        "si le lait est fait, supprime les œufs", "supprime les œufs si le lait est fait",
        "si la leche está hecha, borra los huevos", "如果牛奶完成了，删除鸡蛋",
    ],
)  # fmt: skip
def test_what_depends_on_something_is_not_done_just_so(request_: str) -> None:
    found = heard(request_)
    assert found.acting == ""
    assert [clause.speech for clause in found.clauses] == [Speech.CONDITION]


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_is_left_as_it_is(request_: str) -> None:
    assert heard(request_).acting == request_


@pytest.mark.parametrize(
    ("request_", "acting"),
    [
        ("add milk but don't delete eggs", "add milk"),
        ("don't delete eggs, add milk", "add milk"),
        ("Don't delete eggs. Add milk.", "Add milk."),
        ("add tea and what is on Groceries?", "add tea and"),
        ("what's on Groceries? add milk", "add milk"),
        ("add tea; is the milk done?", "add tea;"),
        ("füge Milch hinzu, aber lösche die Eier nicht", "füge Milch hinzu, aber"),
        ("ajoute du lait mais ne supprime pas les œufs", "ajoute du lait mais"),
        ("añade leche pero no borres los huevos", "añade leche pero"),
        ("添加牛奶，不要删除鸡蛋", "添加牛奶"),
    ],
)
def test_of_a_mixed_request_only_the_part_that_asks_may_act(request_: str, acting: str) -> None:
    assert heard(request_).acting.removesuffix(" but") == acting


@pytest.mark.parametrize("piece", ["a ", "no ", "add ", "don't ", "?", ". ", "nicht ", "not a, ", "ne x ", "，但", '"'])
@pytest.mark.timeout(20)
def test_the_longest_request_is_heard_in_bounded_time(piece: str) -> None:
    assert heard((piece * 8192)[:8192]).clauses is not None


@pytest.mark.timeout(20)
@pytest.mark.parametrize("request_", ["add milk and{}zebra", "buy milk.{}zebra", "add milk,{}eggs", "please,{}add tea"])
def test_much_white_space_costs_no_more_than_it_is_long(request_: str) -> None:
    """A pattern that can share it out in many ways would take years over this."""
    assert heard(request_.format(" " * 4000)).acting
    assert heard(request_.format("\n " * 2000)).acting


@pytest.mark.timeout(20)
def test_many_courtesies_cost_no_more_than_they_are_long() -> None:
    assert heard("please,  " * 400 + "add milk").acting
