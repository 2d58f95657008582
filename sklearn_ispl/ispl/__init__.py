"""The paper's procedures: Algorithm 2, the partition, and the vote of Algorithm 1."""
