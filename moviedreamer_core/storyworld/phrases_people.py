"""How English says what a person looks like. `{colour}` is filled with a word for the colour.

No word that tells two values apart stands under both.
"""

from __future__ import annotations

from moviedreamer_core.storyworld.grammar import Phrases, phrases

# (gender, age) -> nouns that say both
PERSONS: dict[tuple[str, str], Phrases] = {
    ("woman", "child"): phrases("girl", "little girl", "small girl", "schoolgirl", "tiny girl"),
    ("man", "child"): phrases("boy", "little boy", "small boy", "schoolboy", "lad"),
    ("woman", "adult"): phrases("woman", "young woman", "lady", "young lady", "grown woman"),
    ("man", "adult"): phrases("man", "young man", "gentleman", "fellow", "grown man", "guy"),
    ("woman", "old"): phrases(
        "old woman", "elderly woman", "old lady", "grandmother", "elderly lady", "granny"
    ),
    ("man", "old"): phrases(
        "old man", "elderly man", "old gentleman", "grandfather", "elderly gentleman", "grandpa"
    ),
}
AGES: dict[str, Phrases] = {
    "child": phrases("child", "kid", "little child", "youngster", "small kid", "schoolchild"),
    "adult": phrases("adult", "grown-up", "young adult", "grown person", "young grown-up"),
    "old": phrases("old person", "elderly person", "senior", "pensioner", "very old person"),
}
GENDERS: dict[str, Phrases] = {"woman": phrases("female"), "man": phrases("male")}
PRONOUNS = {"woman": ("she", "her", "her"), "man": ("he", "him", "his")}  # subject, object, possessive
NAMINGS = phrases("{she} is called {name}", "{her} name is {name}", "people call {object} {name}",
                  "everyone calls {object} {name}",
                  "{name} is {her} name", "{she} goes by the name of {name}",
                  "{name} is {female}")  # fmt: skip

SKINS: dict[str, Phrases] = {  # "... skin"
    "pale": phrases("pale", "very pale", "porcelain", "milky", "ghostly pale", "chalky"),
    "light": phrases("light", "fair", "rosy", "peachy", "creamy"),
    "tan": phrases("tan", "tanned", "olive", "bronzed", "sun-tanned", "sun-kissed"),
    "brown": phrases("brown", "medium brown", "caramel", "cinnamon", "nut-brown", "chestnut-brown"),
    "dark": phrases("dark", "very dark", "deep dark", "ebony", "black"),
}
SKIN_NOUNS = phrases("{skin} skin", "a {skin} complexion", "a {skin} face")

COLOURS: dict[str, Phrases] = {  # of clothes
    "red": phrases("red", "bright red", "crimson", "scarlet", "ruby", "cherry-red"),
    "orange": phrases("orange", "bright orange", "tangerine", "apricot", "pumpkin"),
    "yellow": phrases("yellow", "bright yellow", "lemon-yellow", "mustard", "canary-yellow", "golden"),
    "green": phrases("green", "bright green", "emerald", "lime", "mint-green", "leaf-green"),
    "blue": phrases("blue", "bright blue", "navy", "azure", "sky-blue", "cobalt"),
    "purple": phrases("purple", "bright purple", "violet", "lilac", "lavender", "plum"),
    "white": phrases("white", "bright white", "cream", "ivory", "pearl-white", "chalk-white"),
    "black": phrases("black", "jet-black", "coal-black", "pitch-black", "ebony", "inky"),
}
HAIR_COLOURS: dict[str, Phrases] = {
    "black": phrases("black", "raven", "jet-black", "coal-black", "ebony"),
    "brown": phrases("brown", "brunette", "chestnut", "chocolate", "hazel", "mousy"),
    "blonde": phrases("blonde", "blond", "golden", "fair", "flaxen", "straw-coloured", "yellow"),
    "red": phrases("red", "ginger", "auburn", "copper", "fiery", "bright red"),
    "grey": phrases("grey", "gray", "silver", "silvery", "white"),
    "blue": phrases("blue", "bright blue", "azure", "dyed blue", "sky-blue"),
    "pink": phrases("pink", "bright pink", "rose-pink", "bubblegum", "magenta", "candy-pink"),
}
HAIR_STYLES: dict[str, Phrases] = {  # after "has" or "with"
    "short": phrases("short {colour} hair", "(short|) cropped {colour} hair", "{colour} hair, cut short,",
                     "a {colour} bob", "neat short {colour} hair",
                     "{colour} hair in a crew cut"),
    "long": phrases("long {colour} hair", "flowing {colour} hair", "{colour} hair down to the waist",
                    "long, straight {colour} hair",
                    "{colour} hair, worn long,", "loose long {colour} hair"),
    "curly": phrases("curly {colour} hair", "{colour} curls", "wavy {colour} hair", "frizzy {colour} hair",
                     "{colour} ringlets",
                     "a head of {colour} curls"),
    "bun": phrases("{colour} hair (tied|) in a bun", "a {colour} bun", "{colour} hair pinned up",
                   "a {colour} topknot", "{colour} hair in a knot"),
    "ponytail": phrases("a {colour} ponytail", "{colour} hair (tied|) in a ponytail",
                        "{colour} hair tied back", "a {colour} pigtail",
                        "{colour} hair pulled back"),
    "spiky": phrases("spiky {colour} hair", "wild {colour} hair", "messy {colour} hair",
                     "{colour} hair in spikes", "spiked {colour} hair",
                     "bristly {colour} hair", "{colour} hair standing on end"),
    "bald": phrases("a bald head", "no hair", "a shaved head", "a bald, shiny head", "a hairless head",
                    "not a single hair"),
}  # fmt: skip
LOOSE_HAIR: dict[str, Phrases] = {  # "Mara's hair is ..." (only where the hair has a plain adjective)
    "short": phrases("short and {colour}", "{colour} and cropped"),
    "long": phrases("long and {colour}", "{colour} and flowing"),
    "curly": phrases("curly and {colour}", "{colour} and wavy"),
    "bun": phrases("{colour} and tied in a bun", "{colour} and pinned up"),
    "ponytail": phrases("{colour} and tied in a ponytail", "{colour} and tied back"),
    "spiky": phrases("spiky and {colour}", "{colour} and messy"),
}

GLASSES: dict[bool, Phrases] = {
    True: phrases(
        "glasses",
        "(round|) spectacles",
        "(round|big|) glasses",
        "a pair of glasses",
        "eyeglasses",
        "a pair of spectacles",
    ),
    False: phrases("no glasses", "no spectacles", "no eyeglasses", "no pair of glasses", "no glasses at all"),
}
BEARDS: dict[str, Phrases] = {  # after "has" or "with"
    "none": phrases(
        "a clean-shaven face", "no beard", "a beardless face", "a smooth chin", "a clean-shaven chin"
    ),
    "moustache": phrases(
        "a moustache",
        "a (thick|neat|) moustache",
        "a mustache",
        "a curled moustache",
        "a handlebar moustache",
    ),
    "beard": phrases(
        "a beard", "a (full|bushy|thick) beard", "whiskers", "a bearded chin", "a big beard", "stubble"
    ),
}
HATS: dict[str, Phrases] = {  # after "wears" or "with"
    "none": phrases("no hat", "no hat at all", "no hat of any kind", "no headgear", "nothing on the head"),
    "cap": phrases("a {colour} cap", "a {colour} baseball cap", "a {colour} peaked cap",
                   "a cap that is {colour}", "a {colour} sports cap"),
    "beanie": phrases("a {colour} beanie", "a {colour} (woolly|knitted) hat", "a {colour} bobble hat",
                      "a {colour} winter hat",
                      "a woollen {colour} beanie"),
    "brimmed": phrases("a {colour} hat", "a {colour} brimmed hat", "a {colour} (sun|straw) hat",
                       "a wide-brimmed {colour} hat", "a {colour} fedora",
                       "a {colour} hat with a brim"),
}  # fmt: skip
OUTFITS: dict[str, Phrases] = {  # after "wears" or "with"
    "shirt": phrases("a {colour} shirt", "a {colour} T-shirt", "a {colour} jumper", "a {colour} sweater",
                     "a plain {colour} (shirt|top)",
                     "a {colour} pullover"),
    "striped": phrases("a striped {colour} (shirt|jumper|sweater)", "a {colour} striped (shirt|top)",
                       "a stripy {colour} (shirt|jumper)",
                       "a {colour} shirt with stripes", "a {colour} sailor shirt", "{colour} stripes"),
    "coat": phrases("a {colour} coat", "a {colour} raincoat", "a {colour} jacket", "a long {colour} overcoat",
                    "a {colour} anorak",
                    "a {colour} parka"),
    "dress": phrases("a {colour} dress", "a {colour} gown", "a {colour} frock", "a {colour} summer dress",
                     "a {colour} sundress"),
    "overalls": phrases("{colour} overalls", "{colour} dungarees", "a {colour} boiler suit",
                        "{colour} work overalls", "a {colour} jumpsuit",
                        "a pair of {colour} dungarees"),
}  # fmt: skip
PREFIXES: dict[tuple[str, str | bool], Phrases] = {  # adjectives before the noun: "a bald old man"
    ("hair", "bald"): phrases("bald", "bald-headed"),
    ("beard", "beard"): phrases("bearded"),
    ("beard", "none"): phrases("clean-shaven"),
    ("beard", "moustache"): phrases("moustached"),
    ("glasses", True): phrases("bespectacled"),
    ("hat", "none"): phrases("bareheaded", "hatless"),
}
