"""What a request does: it asks for something, asks about something, or says what not to do. Pure, by fixed rules.

Questions and negations change nothing, whatever a model makes of them. English, German, French, Spanish and Chinese. In
doubt a clause asks for something: what it may change is still decided by the names in it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Speech(StrEnum):
    REQUEST = "request"
    QUESTION = "question"
    NEGATION = "negation"
    CONDITION = "condition"


@dataclass(frozen=True)
class Clause:
    """A part of a request, with where it stands."""

    text: str
    start: int
    end: int
    speech: Speech


@dataclass(frozen=True)
class Heard:
    """A request taken apart. `acting` is the part of it that asks for something; empty where none does."""

    clauses: tuple[Clause, ...]
    acting: str

    @property
    def asks(self) -> bool:
        """Whether, where nothing is to be changed, that is because something is asked."""
        return any(clause.speech is Speech.QUESTION for clause in self.clauses)


def _any(*words: str) -> str:
    return rf"(?:{'|'.join(words)})(?!\w)"


_PLAIN: Final = str.maketrans("？！，；。：’", "?!,;.:'")  # noqa: RUF001 - one letter for one letter
_QUOTED: Final = re.compile(
    r"""(?<!\w)"[^"\n]+"|“[^”\n]+”|„[^“”\n]+[“”]|«[^»\n]+»|「[^」\n]+」|(?<![\w'])'[^'\n]+'(?!\w)"""
)
_COMMAND: Final = _any(
    r"add|put|create|make|rename|delete|remove|mark|complete|tick|untick|check|uncheck|cross|reopen|move|clear|empty",
    r"undo|set|change|buy|remind|finish|take|drop|erase|show",
    r"f[üu]e?ge?|setz(?:e|en)?|pack(?:e|en)?|schreib(?:e|en)?|erstell(?:e|en)?|leg(?:e|en)?|l[öo]e?sch(?:e|en)?",
    r"entfern(?:e|en)?|streich(?:e|en)?|hak(?:e|en)?|markier(?:e|en)?|verschieb(?:e|en)?|benenn(?:e|en)?|leer(?:e|en)?",
    r"nimm|kauf(?:e|en)?|erinner(?:e|n)?|änder(?:e|n)?",
    r"ajoute[rz]?|mets|mettez|mettre|crée[rz]?|supprime[rz]?|efface[rz]?|enlève[rz]?|retire[rz]?|coche[rz]?",
    r"marque[rz]?|déplace[rz]?|renomme[rz]?|vide[rz]?|achète[rz]?|rappelle",
    r"añad(?:e|ir)|agregar?|pon(?:er)?|crear?|borrar?|eliminar?|quitar?|marcar?|mueve|mover|renombrar?|vac[ií]ar?",
    r"comprar?|recuérdame|tachar?",
)
_COMMAND_ZH: Final = r"(?:请|帮我|添加|加|把|将|删除|删掉|删|移动|标记|完成|创建|新建|清空|买|提醒)"
# Possessive: what may be a lead is one, so that white space cannot be shared out in ever new ways.
_LEAD: Final = (
    r"(?:(?:please|but|and|just|hey|hi|hello|ok|okay|so|then|also|yes|bitte|aber|und|ja|s'il te plaît|s'il vous plaît"
    r"|mais|et|oui|por favor|pero|y|sí)\b[,.!]?\s++|[¿¡\s]++)*+"
)
_NEGATION_START: Final = (
    r"(?:(?:i|we|you|they|it)\s+)?"
    r"(?:\w+n't|dont|never|not|no need to|cannot|(?:do|does|did|should|must|can|could|would|will|need|shall) not)\b"
    r"(?!\s+(?:you\s+)?forget\b)"
    r"|(?:no|nunca|jamás|tampoco)\s+(?!(?:te\s+)?olvid|due\b|deadline\b|priority\b)\w"
)
_NEGATED_LATE: Final = re.compile(
    # English: "the eggs must not be deleted"; not behind a verb, where a title begins.
    rf"^(?!{_LEAD}{_COMMAND})(?:\S+\s+){{1,6}}(?:should|must|may|do|does|did)(?:n't|\s+not)\b"
    r"|(?<!vergiss )(?<!vergesst )(?<!als )(?<!noch )\bnicht\b(?!\s+(?:vergessen|erledigt))"
    r"|\b(?:nie|niemals|kein(?:e[nmrs]?)?)\b"
    r"|(?:\bne\s+|\bn')(?!oublie)(?!pas oublier)\S+(?:\s+\S+){0,3}?\s+(?:pas|jamais|rien)\b|\bne pas (?!oublier)"
    r"|^(?:ajoute|mets|supprime|efface|enlève|retire|coche|marque|déplace|renomme|vide)[rz]?\s+pas\b"
    r"|(?:不要|不用|不需要|不想|请勿|切勿|(?<![特分类级区告个性])别(?![的人墅针名样]))(?!忘)"
    r"|没有?(?=买|做完|完成|删)|不(?=删|加|买|移|添)",
    re.IGNORECASE,
)
_QUESTION_START: Final = (
    r"(?:what|what's|whats|which|who|who's|whose|when|where|where's|why|how|is|are|was|were|does|did|has|had|if|whether"
    r"|(?:am|do|have|should|shall|may|might|must|can|could|would|will)\s+(?:i|we|they|he|she|it|there|the|my|our)"
    r"|(?:do|have|did|are|were)\s+you"
    r"|(?:can|could|would|will) you(?:\s+please)?\s+(?:tell|show|say|see|check (?:if|whether)|look)"
    r"|kannst du mir (?:sagen|zeigen)|peux-tu me (?:dire|montrer)|puedes (?:decirme|mostrarme)|请问"
    r"|was|wer|wie|wieviele?|wo|wann|warum|wieso|weshalb|welche[rsnm]?|ist|sind|war|waren|steht|stehen|gibt es|ob"
    r"|(?:hast|habe|hab|haben|hat|soll|sollte|darf|kann|muss|bin)\s+(?:ich|du|wir|er|sie|es|man)"
    r"|quoi|qu'|quel(?:le)?s?|qui|où|quand|comment|pourquoi|combien|est-ce|y a-t-il"
    r"|qué|cuál(?:es)?|quién(?:es)?|dónde|cuándo|cómo|por qué|cuánt[oa]s?|está|están)(?!\w)"
)
_QUESTION_WITHIN: Final = re.compile(
    # French turns verb and pronoun around; "rendez-vous" is a title.
    r"(?<!rendez)-(?:t-)?(?:il|elle|ils|elles|je|tu|on|nous|vous)\b"
    r"|吗|呢$|是不是|有没有|是否|什么|哪|多少|几个|谁|为什么|怎么|了没",
    re.IGNORECASE,
)
_TELL: Final = r"(?:tell|show|say|see|check (?:if|whether)|look)\b"
_POLITE: Final = re.compile(
    rf"^{_LEAD}(?:"
    rf"(?:can|could|would|will) you(?:\s+please)?(?:\s+mind)?\s+(?!{_TELL})"
    r"|(?:kannst|könntest|würdest|willst|magst) du\s+(?!mir (?:sagen|zeigen))|(?:können|könnten|würden) sie\s+"
    r"|(?:peux|pourrais|veux|voudrais)-tu\s+(?!me (?:dire|montrer))"
    r"|(?:pouvez|pourriez|voulez|voudriez)-vous\s+(?!me dire)"
    r"|(?:peux-tu|tu peux|tu pourrais|vous pouvez|vous pourriez)\s+(?!me (?:dire|montrer))"
    r"|(?:me )?(?:puedes|podrías|puede|podría|quieres)\s+(?!decirme|mostrarme)"
    r"|请(?!问)|麻烦"
    r"|你?(?:能不能|可不可以|能否|可否|能|可以)(?:请)?你?(?:帮我|给我|帮忙|把|将|添加|加|删|标记|移)"
    r")",
    re.IGNORECASE,
)
_OK: Final = re.compile(
    r"^\s*(?:ok|okay|alright|please|bitte|ja|s'il te plaît|d'accord|por favor|vale|好吗|可以吗|行吗)\s*$", re.IGNORECASE
)
_TAG: Final = re.compile(
    r"^\s*(?:right|(?:is|are|did|do|does|was|were|have|has)n't \w+|oder|nicht wahr|non|n'est-ce pas|verdad|no|对吗"
    r"|是吗)\s*$",
    re.IGNORECASE,
)
_CONDITION: Final = re.compile(
    # "once" and "when" begin requests as well; in a title "if" may stand, so that behind a verb only what takes away
    # is looked at.
    rf"^{_LEAD}(?:if|unless|wenn|falls|sofern|s'il|si)\b|^\s*(?:如果|要是|假如)"
    r"|^\W*(?:delete|remove|clear|empty|erase|drop)\b.*\s(?:if|unless)\s+(?:the|it|i|we|you|they|there|my|our)\b"
    r"|^\W*(?:lösche?|entferne?|leere?)\b.*\b(?:wenn|falls)\b"
    r"|^\W*(?:supprime|efface|vide|borra|elimina|vac[ií]a)[rz]?\b.*\s(?:si|s'il)\s",
    re.IGNORECASE,
)
_STARTS_QUESTION: Final = re.compile(rf"^{_LEAD}{_QUESTION_START}", re.IGNORECASE)
_STARTS_NEGATION: Final = re.compile(rf"^{_LEAD}(?:{_NEGATION_START})", re.IGNORECASE)
_STARTER: Final = (
    rf"(?:{_LEAD}(?:{_COMMAND}|{_QUESTION_START}|{_NEGATION_START}|(?:can|could|would|will) you\b|ne\s|n'|i\s+\w+)"
    rf"|{_COMMAND_ZH}|不要|别|不用)"
)
_SPACES: Final = re.compile(r"[^\S\n]+")
_LINE_ENDS: Final = re.compile(r" ?(?:\n ?)+")
# A full stop inside of a title ends nothing, so that what follows must look like a beginning.
_SENTENCE_END: Final = re.compile(
    rf"(?:[!?]+|(?<!\b\w)(?<!\b\w\w)\.+)\s+(?=[^a-zß-ÿ\s]|{_STARTER})|[?!.](?=[\u3400-\u9fff])|[\n;]+\s*", re.IGNORECASE
)
_JOINT: Final = re.compile(
    rf"(?:,\s*(?:and |but |und |aber |et |mais |y |pero )?|\s+(?:and|but|und|aber|sondern|et|mais|y|pero)\s+"
    rf"|(?:,\s*)?但是?|,?而)(?={_STARTER})|,\s*(?=(?:[^,]{{1,20}})\?\s*$)",
    re.IGNORECASE,
)


def heard(request: str) -> Heard:
    """Take a request apart. What is quoted is data, and never taken for a question or a negation."""
    # Runs of white space mean nothing, and cost the patterns below much.
    request = _LINE_ENDS.sub("\n", _SPACES.sub(" ", request))
    plain = request.translate(_PLAIN)
    masked = _QUOTED.sub(lambda match: "x" * len(match[0]), plain)
    clauses: list[Clause] = []
    for start, end in _split(masked, 0, len(masked), _SENTENCE_END):
        clauses += _of_sentence(masked, start, end)
    said = [clause for clause in clauses if clause.text.strip(" ,.!?;¿¡")]
    if all(clause.speech is Speech.REQUEST for clause in said):
        return Heard(tuple(said), request)
    acting = [request[clause.start : clause.end] for clause in said if clause.speech is Speech.REQUEST]
    return Heard(tuple(said), ", ".join(text.strip(" ,，") for text in acting))  # noqa: RUF001


def _split(text: str, start: int, end: int, boundary: re.Pattern[str]) -> list[tuple[int, int]]:
    pieces: list[tuple[int, int]] = []
    for match in boundary.finditer(text, start, end):
        if match.end() > match.start():
            # What ends a sentence belongs to it.
            pieces.append((start, match.end()))
            start = match.end()
    return [*pieces, (start, end)]


def _of_sentence(text: str, start: int, end: int) -> list[Clause]:
    pieces = _split(text, start, end, _JOINT)
    asked = text[start:end].rstrip(" .!;\n,").endswith("?")
    last = text[slice(*pieces[-1])]
    tail = last.strip(" .!?;,\n")
    polite = any(_POLITE.match(text[at:until]) for at, until in pieces) or (
        len(pieces) > 1 and _OK.match(tail) is not None
    )
    last_alone = len(pieces) > 1 and _STARTS_QUESTION.match(last) is not None and _TAG.match(tail) is None
    clauses = []
    if _CONDITION.match(text[start:end]) and not polite:
        return [Clause(text[start:end], start, end, Speech.QUESTION if asked else Speech.CONDITION)]
    for number, (at, until) in enumerate(pieces):
        piece = text[at:until]
        covered = asked and not polite and (number == len(pieces) - 1 or not last_alone)
        clauses.append(Clause(piece, at, until, _speech(piece, covered=covered, polite=polite)))
    return clauses


def _speech(clause: str, *, covered: bool, polite: bool) -> Speech:
    if _POLITE.match(clause):
        return Speech.NEGATION if _NEGATED_LATE.search(clause) else Speech.REQUEST
    if covered or _STARTS_QUESTION.match(clause):
        return Speech.QUESTION
    if _QUESTION_WITHIN.search(clause) and not polite and not re.match(rf"{_LEAD}{_COMMAND}", clause, re.IGNORECASE):
        return Speech.QUESTION
    if _STARTS_NEGATION.match(clause) or _NEGATED_LATE.search(clause):
        return Speech.NEGATION
    return Speech.REQUEST
