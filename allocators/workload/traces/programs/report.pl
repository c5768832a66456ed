# Reads lines of two numbers, groups them and prints sums: arrays and strings that grow.
my (%groups, $text);
while (<>) {
  my ($key, $value) = split;
  push @{$groups{$key % 977}}, $value;
}
for my $key (sort { $a <=> $b } keys %groups) {
  my @values = sort { $b <=> $a } @{$groups{$key}};
  $text .= sprintf("%d: %s\n", $key, join(", ", map { "<$_>" } @values));
}
print length($text), "\n";
