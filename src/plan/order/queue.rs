//! The queue: packages leave it as soon as nothing that they need is left, loops as soon as nothing outside is.

use std::collections::VecDeque;

use crate::plan::order::components::Components;
use crate::plan::order::relations::Node;

/// Farther than any package of a loop from a scriptlet's requirement.
const FAR: usize = usize::MAX;

/// The state of the walk.
#[derive(Debug)]
pub(super) struct Queue<'a> {
    graph: Vec<Node>,
    loops: Components,
    colors: &'a [u32],
    preferred: u32,
    /// Requirements of each package that are not installed yet.
    open: Vec<usize>,
    collected: Vec<bool>,
    order: Vec<usize>,
    /// Packages and representatives of loops that are ready.
    ready: VecDeque<usize>,
}

impl<'a> Queue<'a> {
    pub(super) fn new(graph: Vec<Node>, loops: Components, colors: &'a [u32], preferred: u32) -> Self {
        let open = graph.iter().map(|node| node.needs.len()).collect();
        let collected = vec![false; graph.len()];
        let (order, ready) = (Vec::with_capacity(graph.len()), VecDeque::new());
        Self { graph, loops, colors, preferred, open, collected, order, ready }
    }

    /// The order.
    pub(super) fn run(mut self) -> Vec<usize> {
        for node in (0..self.graph.len()).filter(|node| self.open[*node] == 0).collect::<Vec<_>>() {
            self.make_ready(node);
        }
        for number in 0..self.loops.list.len() {
            if self.loops.list[number].open == 0 {
                self.make_ready(self.loops.list[number].members[0]);
            }
        }
        while let Some(node) = self.ready.pop_front() {
            if let Some(number) = self.loops.of[node] {
                self.collect_loop(number);
            } else {
                self.collect(node, &mut VecDeque::new());
            }
        }
        self.order
    }

    fn make_ready(&mut self, node: usize) {
        let at = self.place(node, &self.ready);
        self.ready.insert(at, node);
    }

    /// Where a package stands in a queue: before those for which fewer wait; the colour that is not preferred behind all
    /// of its own colour's betters.
    fn place(&self, node: usize, queue: &VecDeque<usize>) -> usize {
        let color = self.colors[node];
        let behind = color != 0 && color != self.preferred;
        let weight = |node: usize| self.graph[node].waiting.len();
        let before =
            |other: &usize| (!behind || color == self.colors[*other]) && weight(*other) <= weight(node);
        queue.iter().position(before).unwrap_or(queue.len())
    }

    /// Puts a package into the order and frees those that waited for it. Members of the same loop go to `inner`.
    fn collect(&mut self, node: usize, inner: &mut VecDeque<usize>) {
        self.order.push(node);
        for at in (0..self.graph[node].waiting.len()).rev() {
            let waiting = self.graph[node].waiting[at].other;
            if self.collected[waiting] || waiting == node {
                continue;
            }
            let (mine, its) = (self.loops.of[node], self.loops.of[waiting]);
            self.open[waiting] -= 1;
            if self.open[waiting] == 0 {
                if mine.is_some() && mine == its {
                    let at = self.place(waiting, inner);
                    inner.insert(at, waiting);
                } else {
                    self.make_ready(waiting);
                }
            }
            if let Some(number) = its.filter(|_| mine != its) {
                self.loops.list[number].open -= 1;
                if self.loops.list[number].open == 0 {
                    self.make_ready(waiting);
                }
            }
        }
        self.collected[node] = true;
    }

    /// A whole loop. It is entered at the member that is farthest from a scriptlet's requirement, and again wherever the
    /// walk gets stuck.
    fn collect_loop(&mut self, number: usize) {
        let members = self.loops.list[number].members.clone();
        let distance = self.distances(number, &members);
        let next = |queue: &Self| {
            let left = (0..members.len()).filter(|at| !queue.collected[members[*at]]);
            left.max_by_key(|at| distance[*at]).map(|at| members[at])
        };
        while let Some(best) = next(self) {
            let mut inner = VecDeque::from([best]);
            while let Some(node) = inner.pop_front() {
                self.collect(node, &mut inner);
            }
        }
    }

    /// Each member's distance from the members whose scriptlets need another member.
    fn distances(&self, number: usize, members: &[usize]) -> Vec<usize> {
        let inside = |node: usize| self.loops.of[node] == Some(number);
        let starts = |node: &usize| {
            self.graph[*node].needs.iter().any(|relation| relation.pre && inside(relation.other))
        };
        let mut distance = vec![FAR; self.graph.len()];
        let mut queue: VecDeque<usize> = members.iter().copied().filter(|node| starts(node)).collect();
        for start in &queue {
            distance[*start] = 0;
        }
        while let Some(node) = queue.pop_front() {
            for relation in self.graph[node].needs.iter().rev().filter(|relation| inside(relation.other)) {
                if distance[relation.other] > distance[node] + 1 {
                    distance[relation.other] = distance[node] + 1;
                    queue.push_back(relation.other);
                }
            }
        }
        members.iter().map(|member| distance[*member]).collect()
    }
}
