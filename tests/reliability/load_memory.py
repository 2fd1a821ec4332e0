# Whether a process's memory is flat under load, judged from samples; and a check that a small leak would be seen.
# SPDX-License-Identifier: GPL-2.0-or-later
import random
import statistics

KIB = 1024
WARM_UP = 0.1               # the share of requests before which growth does not count
GROWTH = 256 * KIB          # over all the rest, at most
PER_REQUEST = 0.3           # bytes, at most
PAGES = 64 * KIB            # memory comes in pages: less than this is no growth, however few the requests were
LEAK = 32                   # bytes for one of a dozen requests: what has to be seen


class Growth:
    """`samples` are pairs of requests so far and bytes. Their growth is the median slope between any two of them
    (Theil and Sen), times the requests: single peaks, of replies that are just being sent, do not count."""

    def __init__(self, samples):
        begin = samples[-1][0] * WARM_UP
        self.samples = [sample for sample in samples if sample[0] >= begin]
        slopes = [(late[1] - early[1]) / (late[0] - early[0]) for number, early in enumerate(self.samples)
                  for late in self.samples[number + 1 :] if late[0] > early[0]]
        if len(self.samples) < 5 or not slopes:
            raise RuntimeError(f"{len(self.samples)} samples of memory are too few to judge by")
        self.requests = self.samples[-1][0] - self.samples[0][0]
        self.per_request = statistics.median(slopes)
        self.total = self.per_request * self.requests
        self.allowed = min(GROWTH, max(PAGES, PER_REQUEST * self.requests))

    @property
    def flat(self):
        return self.total <= self.allowed


def with_leak(samples, share):
    """The same samples, of a process that leaks in this share of its requests."""
    return [(requests, size + requests * share * LEAK) for requests, size in samples]


def made_up(requests, size, noise):
    """60 samples; `size` tells the memory behind so many requests."""
    chance = random.Random(1)
    return [(count, 20_000 * KIB + size(count) + 4 * KIB * chance.randint(0, noise // (4 * KIB)))
            for count in range(0, requests + 1, requests // 60)]


def self_check():
    """0 when each of these series is judged as it should be."""
    failed = 0
    for requests in (50_000, 100_000, 1_000_000):
        noise = 200 * KIB if requests > 500_000 else 16 * KIB
        cases = [
            ("flat", True, made_up(requests, lambda count: 0, noise)),
            ("grows in the warm-up alone", True,
             made_up(requests, lambda count: min(count, requests // 10) * 4, noise)),
            ("one short peak of 4 MiB in ten samples", True,
             made_up(requests, lambda count: 4096 * KIB * (count // (requests // 60) % 10 == 5), noise)),
            ("32 bytes in each twelfth request", False, with_leak(made_up(requests, lambda count: 0, noise), 1 / 12)),
            ("half a byte a request" if requests > 500_000 else "two bytes a request", False,
             made_up(requests, lambda count: count * (0.5 if requests > 500_000 else 2), noise)),
        ]
        for name, flat, samples in cases:
            growth = Growth(samples)
            good = growth.flat == flat
            failed += not good
            print(f"{'as it should be' if good else 'WRONG'}: {requests:,} requests, {name}: "
                  f"{growth.total / KIB:+.0f} KiB of {growth.allowed / KIB:.0f}: "
                  f"{'flat' if growth.flat else 'not flat'}")
    return 1 if failed else 0
