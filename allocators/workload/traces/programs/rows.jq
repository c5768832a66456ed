# Of each group of rows how many there are and what they add up to, the largest first; then all tags with the rows that have them.
group_by(.group)
| map({group: .[0].group, count: length, sum: (map(.value) | add), names: (map(.name) | join(" "))})
| sort_by(-.sum) as $groups
| {groups: $groups, tags: ([$groups[].names | split(" ")[]] | group_by(.[0:2]) | map({(.[0][0:2]): length}) | add)}
