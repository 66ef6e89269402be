"""How English says a place, a time of day, the weather, and a shot size.

`where` answers "where?", `along` "along what?" (for people on the move), `nouns` follow "the", `views` stand
alone. No word that tells two values apart stands under both.
"""

from __future__ import annotations

from typing import NamedTuple

from moviedreamer_core.storyworld.grammar import Phrases, phrases


class Place(NamedTuple):
    nouns: Phrases
    where: Phrases
    along: Phrases
    views: Phrases


class Time(NamedTuple):
    nouns: Phrases  # "a rainy ..."
    when: Phrases
    views: Phrases
    clauses: Phrases


class Weather(NamedTuple):
    adjectives: Phrases
    under: Phrases  # "... in the rain"
    views: Phrases
    clauses: Phrases
    indoors: Phrases  # clauses, seen through a window


class Shot(NamedTuple):
    nouns: Phrases  # "a ... of the harbour"
    seen: Phrases
    views: Phrases


PLACES: dict[str, Place] = {
    "beach": Place(
        phrases("beach", "(sandy|long|quiet) beach", "shore", "seashore", "seaside"),
        phrases("on the (sandy|quiet|) beach", "at the beach", "by the sea", "at the seaside",
                "on the (warm|soft|) sand",
                "on the shore", "near the waves of the sea", "down at the seashore"),
        phrases("along the (sandy|) beach", "across the sand", "along the shore", "beside the sea",
                "along the seashore"),
        phrases("(sandy|quiet|wide|) beach", "by the sea, on warm sand", "the seaside", "a sandy shore",
                "beach and waves",
                "sea, sand and (shells|gulls)"),
    ),
    "lighthouse": Place(
        phrases("(old|tall|white|) lighthouse", "light tower", "beacon", "lighthouse (island|rock)"),
        phrases("at the (old|tall|) lighthouse", "beside the lighthouse", "by the (old|) beacon",
                "below the light tower",
                "at the foot of the lighthouse", "in front of the lighthouse", "outside the light tower"),
        phrases("past the lighthouse", "up to the lighthouse", "around the light tower", "towards the beacon",
                "up the path to the lighthouse"),
        phrases("(tall|old|) lighthouse", "lighthouse on a rock", "the beacon above the rocks",
                "a light tower", "the lighthouse and its lamp"),
    ),
    "harbour": Place(
        phrases("(old|busy|little|) harbour", "(old|) harbor", "docks", "port", "quay", "pier", "wharf"),
        phrases("at the (old|busy|) harbour", "in the harbor", "at the docks", "in the (little|) port",
                "on the quay", "on the (wooden|) pier",
                "down at the wharf", "by the jetty"),
        phrases("through the harbour", "along the harbor wall", "along the quay", "past the docks",
                "along the (wooden|) pier", "across the wharf"),
        phrases("(busy|quiet|fishing|) harbour", "the harbor with its (nets|ropes)", "docks and cranes",
                "a small fishing port", "wooden pier",
                "an old quay"),
    ),
    "forest": Place(
        phrases("(deep|green|old|) forest", "woods", "woodland", "pine forest"),
        phrases("in the (deep|old|green|) forest", "in the woods", "among the (tall|) trees",
                "between the pines", "under the trees of the forest",
                "deep in the woods", "in a forest clearing"),
        phrases("through the (deep|old|) forest", "through the woods", "between the trees",
                "past the (tall|) pines", "along a forest trail"),
        phrases("(deep|green|quiet|) forest", "tall trees", "pine trees all around", "woods",
                "a woodland of pines", "a forest clearing"),
    ),
    "park": Place(
        phrases("(green|little|) park", "playground", "public garden", "gardens", "park lawn"),
        phrases("in the (green|quiet|little|) park", "on the (park|) lawn", "by the pond in the park",
                "at the playground",
                "in the (public|) garden", "near the fountain", "between the flower beds"),
        phrases("through the park", "across the lawn", "around the pond", "through the gardens",
                "past the fountain", "past the playground"),
        phrases("(green|little|quiet|) park", "lawns and a (pond|fountain)", "a public garden",
                "park with (benches|swings)", "a playground"),
    ),
    "mountain": Place(
        phrases("(high|steep|) mountain", "mountains", "(high|) peak", "summit", "hills", "ridge"),
        phrases("on the (high|steep|) mountain", "in the mountains", "on the (high|) peak", "at the summit",
                "high in the hills", "on a ridge",
                "on the slope"),
        phrases("up the mountain", "over the hills", "along the ridge", "up the slope", "towards the summit",
                "across the mountains"),
        phrases("(high|steep|) mountain", "high mountains", "a rugged peak", "the mountain top",
                "a steep slope", "hills and ridges"),
    ),
    "desert": Place(
        phrases("(hot|wide|) desert", "dunes", "(empty|) wasteland", "desert plain"),
        phrases("in the (hot|wide|) desert", "among the dunes", "on a (high|) dune",
                "in the dunes of the desert", "beside a cactus",
                "out in the wasteland"),
        phrases("through the desert", "across the (hot|) desert", "over the dunes", "past a cactus",
                "across the wasteland"),
        phrases("(hot|wide|dusty|) desert", "high dunes", "dunes and a cactus", "desert with cacti",
                "a dusty wasteland"),
    ),
    "farm": Place(
        phrases("(little|old|) farm", "(red|old|) barn", "farmyard", "meadow", "(green|) field"),
        phrases("on the (little|old|) farm", "at the farm", "by the (old|) barn", "in the farmyard",
                "in the (green|) meadow", "in the field",
                "next to the farmhouse"),
        phrases("across the farm", "through the meadow", "past the barn", "across the (green|) field",
                "around the farmyard"),
        phrases("(little|old|quiet|) farm", "barn and (field|meadow)", "a farmyard with (hens|cows)",
                "green meadow", "a farmhouse", "fields and hay"),
    ),
    "castle": Place(
        phrases("(old|grey|great|) castle", "fortress", "palace", "citadel", "stronghold"),
        phrases("at the (old|great|) castle", "in front of the castle", "outside the (old|) fortress",
                "by the palace gate",
                "below the castle walls", "at the citadel", "near the drawbridge"),
        phrases("towards the castle", "around the fortress", "past the palace", "along the castle walls",
                "over the drawbridge"),
        phrases("(old|great|ruined|) castle", "a stone fortress", "the king's palace",
                "castle walls and flags", "a castle with a drawbridge",
                "the old citadel"),
    ),
    "street": Place(
        phrases("(busy|narrow|quiet|) street", "road", "avenue", "(narrow|) alley", "pavement"),
        phrases("in the (busy|quiet|) street", "on the street", "in a (narrow|dusty|) alley", "on the avenue",
                "by the side of the road",
                "on the (pavement|sidewalk)", "in the middle of the city", "in town"),
        phrases("down the street", "along the (busy|) avenue", "along the road",
                "through the (narrow|) alley", "through the city", "across town"),
        phrases("(busy|narrow|city|) street", "a city avenue", "narrow alley", "a road between houses",
                "the town", "houses and street lamps"),
    ),
    "market": Place(
        phrases("(busy|colourful|) market", "marketplace", "bazaar", "market stalls", "market square"),
        phrases("at the (busy|) market", "in the marketplace", "among the (market|) stalls",
                "in the (noisy|) bazaar", "in front of a fruit stall",
                "on the market square"),
        phrases("through the (busy|) market", "across the marketplace", "between the stalls",
                "through the bazaar", "past the fruit stalls"),
        phrases("(busy|colourful|) market", "market stalls with fruit", "a noisy bazaar", "the marketplace",
                "stalls and baskets"),
    ),
    "station": Place(
        phrases("(train|railway|) station", "(train|railway|) platform", "railway"),
        phrases("at the (train|railway|) station", "on the (train|railway|) platform", "beside the railway",
                "by the railway tracks",
                "next to the train"),
        phrases("through the station", "along the platform", "past the train", "along the railway tracks",
                "across the station"),
        phrases("(train|railway|old|) station", "a train platform", "railway tracks",
                "the platform with its clock", "a waiting train"),
    ),
    "kitchen": Place(
        phrases("(warm|little|tidy|) kitchen", "cookhouse", "kitchen stove"),
        phrases("in the (warm|little|tidy|) kitchen", "at the (kitchen|) stove", "by the oven",
                "next to the kitchen sink",
                "beside the cooker", "among the pots and pans"),
        phrases("through the kitchen", "around the kitchen", "past the stove", "past the oven",
                "across the kitchen floor"),
        phrases("(warm|tidy|little|) kitchen", "a kitchen with a stove", "pots and pans", "oven and sink",
                "the kitchen of the house"),
    ),
    "bedroom": Place(
        phrases("(little|tidy|cosy|) bedroom", "bedchamber", "dormitory"),
        phrases("in the (little|cosy|tidy|) bedroom", "by the bed", "beside the bed", "in the bedchamber",
                "near the pillows",
                "in the dormitory"),
        phrases("through the bedroom", "across the bedroom", "around the bed", "past the bed",
                "across the bedchamber"),
        phrases("(cosy|little|tidy|) bedroom", "a soft bed", "bed and pillows", "a bedchamber",
                "a bed with a blanket"),
    ),
    "library": Place(
        phrases("(old|silent|great|) library", "bookshelves", "archive"),
        phrases("in the (old|silent|great|) library", "among the bookshelves", "between the shelves",
                "in front of a bookcase",
                "in the archive", "beside the bookcases"),
        phrases("through the library", "past the bookshelves", "between the bookcases", "along the shelves",
                "through the archive"),
        phrases("(old|silent|great|) library", "high bookshelves", "shelves full of books", "a dusty archive",
                "library with bookcases"),
    ),
    "cafe": Place(
        phrases("(little|cosy|) cafe", "coffee shop", "tea room", "bistro", "coffeehouse"),
        phrases("in the (little|cosy|) cafe", "at the café", "in a coffee shop", "in the (little|) tea room",
                "in the bistro", "at the coffeehouse",
                "in the restaurant"),
        phrases("through the cafe", "through the coffee shop", "across the tea room", "past the coffee bar",
                "across the bistro"),
        phrases("(little|cosy|busy|) cafe", "a cosy café", "coffee shop", "the corner bistro",
                "tea room with cakes", "a small restaurant"),
    ),
    "cave": Place(
        phrases("(deep|dark|hidden|) cave", "grotto", "cavern", "cave mouth"),
        phrases("in the (deep|dark|hidden|) cave", "inside the cave", "in a (hidden|) grotto",
                "deep in the cavern", "under the stalactites",
                "underground"),
        phrases("through the cave", "through the (dark|) cavern", "into the grotto", "past the stalactites",
                "deeper into the cave"),
        phrases("(deep|dark|hidden|) cave", "a secret grotto", "cavern with stalactites",
                "an underground cavern", "inside a cave"),
    ),
    "ship": Place(
        phrases("(old|great|wooden|) ship", "ship's deck", "(sailing|) boat", "vessel", "sailboat"),
        phrases("on the (old|great|wooden|) ship", "on deck", "on board the ship",
                "aboard the (sailing|) boat", "on the deck of a boat",
                "on the sailing boat's deck", "aboard the vessel", "beside the mast", "out on the ocean"),
        phrases("across the deck", "along the deck of the ship", "around the mast", "along the ship's rail",
                "across the wooden deck"),
        phrases("(old|great|sailing|) ship", "wooden deck", "a boat on the ocean", "deck and mast",
                "the deck of a sailing boat", "aboard a vessel"),
    ),
}  # fmt: skip

# Places and things that a person may look at from somewhere else; they say nothing about where the frame is.
FAR_PLACES: dict[str, Phrases] = {
    "beach": phrases("the (distant|) beach"),
    "lighthouse": phrases("the (distant|old|) lighthouse"),
    "harbour": phrases("the (distant|) harbour"),
    "forest": phrases("the (distant|) forest"),
    "mountain": phrases("the (distant|) mountains", "a distant mountain"),
    "castle": phrases("the (distant|old|) castle"),
    "ship": phrases("a (distant|) ship", "a (little|) boat"),
    "farm": phrases("the (distant|) farm"),
    "park": phrases("the (distant|) park"),
    "station": phrases("the (distant|) station"),
}

TIMES: dict[str, Time] = {
    "dawn": Time(
        phrases("dawn", "daybreak", "sunrise", "early morning"),
        phrases("at (early|) dawn", "at daybreak", "at sunrise", "in the early morning", "at first light",
                "early in the morning"),
        phrases("dawn", "sunrise", "early morning light", "first light", "(pale|soft|) light of dawn",
                "daybreak", "early morning"),
        phrases("it is (early|) dawn", "the sun is rising", "the sun is coming up",
                "it is early in the morning", "dawn is breaking",
                "the sun rises", "morning is just beginning"),
    ),
    "day": Time(
        phrases("day", "afternoon", "midday", "noon"),
        phrases("during the day", "at noon", "at midday", "in the afternoon", "in broad daylight",
                "in the middle of the day", "by day"),
        phrases("day", "daylight", "midday", "noon", "afternoon", "bright daylight", "daytime"),
        phrases("it is (broad|) daylight", "it is (about|) noon", "it is (about|) midday",
                "it is the middle of the day", "it is afternoon",
                "it is daytime"),
    ),
    "sunset": Time(
        phrases("sunset", "evening", "dusk", "twilight"),
        phrases("at sunset", "at dusk", "in the evening", "at twilight", "in the evening light", "at sundown",
                "in the glow of the sunset"),
        phrases("sunset light", "sunset", "dusk", "twilight", "(golden|soft|) evening light", "sundown",
                "a glowing sunset"),
        phrases("the sun is going down", "the sun is setting", "it is (already|) evening", "the sun sets",
                "it is dusk", "it is sunset",
                "dusk is falling", "the sun sinks low"),
    ),
    "night": Time(
        phrases("night", "midnight", "late night"),
        phrases("at night", "late at night", "at midnight", "under the stars", "by moonlight", "after dark",
                "in the moonlight",
                "in the middle of the night"),
        phrases("night", "under the stars", "moonlight", "midnight", "stars and moon",
                "(dark|deep|late|moonlit|) night", "late at night"),
        phrases("it is late at night", "it is night", "the stars are out", "the moon is shining",
                "it is midnight", "night has come",
                "it is dark"),
    ),
}  # fmt: skip

WEATHERS: dict[str, Weather] = {
    "clear": Weather(
        phrases("clear", "cloudless", "fine", "dry"),
        phrases("under a clear sky", "under a cloudless sky", "in fine weather", "in dry weather",
                "without a cloud in the sky"),
        phrases("clear sky", "(a|) cloudless sky", "fine weather", "clear weather", "dry weather",
                "no clouds"),
        phrases("the sky is clear", "there is not a cloud in the sky", "the weather is fine",
                "the sky is cloudless", "it is dry and clear",
                "the weather is dry"),
        phrases("the sky is clear outside (the window|)", "a clear sky shows through the window",
                "the weather is fine outside",
                "a cloudless sky shines through the window", "it is dry outside (the window|)"),
    ),
    "rain": Weather(
        phrases("rainy", "wet", "drizzly", "stormy", "rain-soaked"),
        phrases("in the (cold|) rain", "in pouring rain", "in the drizzle", "under rain clouds",
                "in a rainstorm", "in a heavy shower"),
        phrases("rain", "heavy rain", "(a|) light drizzle", "pouring rain", "(a|) rainy sky",
                "rain clouds and puddles", "a wet storm"),
        phrases("it is raining", "rain is falling", "it is pouring", "it rains", "it is drizzling",
                "the rain pours down", "raindrops fall",
                "the weather is rainy"),
        phrases("it is raining outside (the window|)", "rain runs down the window",
                "raindrops hit the window", "rain taps on the window",
                "it is pouring outside", "drizzle falls outside"),
    ),
    "snow": Weather(
        phrases("snowy", "wintry", "frosty", "snow-covered"),
        phrases("in the (deep|) snow", "in falling snow", "in a blizzard", "in a snowstorm",
                "among the snowflakes"),
        phrases("snow", "falling snow", "snowflakes", "(a|) blizzard", "(a|) snowy sky", "snowfall",
                "winter snow", "frost and snow"),
        phrases("it is snowing", "snow is falling", "it snows", "snowflakes fall", "snowflakes drift down",
                "a blizzard is blowing",
                "the weather is wintry"),
        phrases("it is snowing outside (the window|)", "snow falls behind the window",
                "snowflakes drift past the window",
                "snow is falling outside", "snow lies on the window sill", "it snows outside"),
    ),
}  # fmt: skip

SUNNY_DAY = phrases(
    "sunny day", "sunny afternoon", "bright sunny day", "day full of sunshine"
)  # day and clear at once
SUNNY_CLAUSES = phrases(
    "the sun is shining", "it is (warm|bright|nice) and sunny", "the sun shines brightly", "bright sunshine"
)

SHOTS: dict[str, Shot] = {
    "wide": Shot(
        phrases("wide shot", "long shot", "wide view", "distant view", "panorama", "establishing shot"),
        phrases("seen from far away", "from a distance", "from afar", "seen from a long way off",
                "in a wide shot", "in a long shot"),
        phrases("wide shot", "(extreme|) long shot", "a wide view", "seen from far away",
                "view from a distance", "(a|) panorama", "establishing shot",
                "everything is far away"),
    ),
    "medium": Shot(
        phrases("medium shot", "mid shot", "half-length view", "waist shot"),
        phrases("from the waist up", "in a medium shot", "in a mid shot", "seen at half length",
                "seen from a few steps away"),
        phrases("medium shot", "(a|) mid shot", "from the waist up", "half-length shot", "medium framing",
                "waist-up view",
                "seen from a few steps away"),
    ),
    "close": Shot(
        phrases("close-up", "close shot", "closeup", "tight shot", "close view", "portrait"),
        phrases("in close-up", "seen up close", "from very near", "in a tight shot", "in a portrait shot",
                "seen from close by"),
        phrases("close-up", "(a|) close-up of the face", "close shot", "closeup", "portrait shot",
                "tight shot", "seen up close",
                "the face fills the picture", "the camera is very near"),
    ),
}  # fmt: skip
