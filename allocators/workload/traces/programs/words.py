"""Counts the words of a text, and writes and reads the table as JSON."""
import collections
import json
import re

text = open("text.txt").read()
words = collections.Counter(re.findall(r"[a-z]+", text.lower()))
table = [{"word": word, "count": count, "letters": sorted(set(word))} for word, count in words.most_common()]
copy = json.loads(json.dumps(table))
by_letter = collections.defaultdict(list)
for entry in copy:
    by_letter[entry["word"][0]].append(entry)
print(len(copy), {letter: len(entries) for letter, entries in sorted(by_letter.items())})
