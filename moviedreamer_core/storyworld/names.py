"""Given names of the storyworld's characters. None is a word of the language."""

from __future__ import annotations

_WOMEN = """
Mara Anna Lena Nora Clara Emma Sofia Maya Zoe Lucy Alice Ella Nina Ida Vera Greta Frida Hanna Julia Laura
Marta Paula Rita Sara Tessa Ursula Wanda Yara Zelda Aisha Fatima Leila Amina Zainab Priya Anjali Mei Yuki
Sakura Hana Keiko Linh Carmen Lucia Isabel Elena Ines Camila Valeria Olga Irina Katya Svetlana Astrid Ingrid
Freya Sigrid Bridget Maeve Fiona Eleanor Charlotte Matilda Beatrice Harriet Josephine Penelope Wilhelmina
Adaeze Chioma Thandi Makena Abena Noor
"""
_MEN = """
Tom Ben Leo Max Paul Felix Oscar Hugo Emil Anton Jonas Lukas David Simon Martin Peter Karl Otto Ralf Stefan
Tim Viktor Walter Xavier Yusuf Zane Omar Ali Hassan Karim Ahmed Ibrahim Malik Arjun Ravi Vikram Wei Jun Kenji
Hiroshi Takeshi Minh Carlos Diego Pablo Mateo Rafael Javier Luis Ivan Boris Dmitri Sergei Nikolai Erik Lars
Sven Bjorn Patrick Liam Finn Oliver Henry George Edward Theodore Samuel Benjamin Frederick Kwame Chidi Sipho
Tunde Jabari Idris
"""

GENDER_NAMES = {"woman": tuple(_WOMEN.split()), "man": tuple(_MEN.split())}
NAMES = GENDER_NAMES["woman"] + GENDER_NAMES["man"]
