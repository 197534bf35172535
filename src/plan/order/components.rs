//! Loops: packages that need each other, directly or through others (Tarjan's strongly connected components).

use crate::plan::order::relations::Node;

/// Where a package stands: in no loop, or in the loop of this number.
pub(super) type Loop = Option<usize>;

/// A loop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Component {
    /// How many requirements of its members lie outside and are not installed yet.
    pub(super) open: usize,
    /// Its members, in the order in which they were first met.
    pub(super) members: Vec<usize>,
}

/// The loops, and each package's one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Components {
    pub(super) list: Vec<Component>,
    pub(super) of: Vec<Loop>,
}

struct Search<'a> {
    graph: &'a [Node],
    /// When each package was met; 0 is not yet.
    met: Vec<usize>,
    /// The earliest package on the stack that can be reached.
    low: Vec<usize>,
    done: Vec<bool>,
    stack: Vec<usize>,
    found: Components,
    clock: usize,
}

/// Finds all loops, walking from the needed to those that wait.
pub(super) fn find(graph: &[Node]) -> Components {
    let count = graph.len();
    let mut search = Search {
        graph,
        met: vec![0; count],
        low: vec![0; count],
        done: vec![false; count],
        stack: Vec::new(),
        found: Components { list: Vec::new(), of: vec![None; count] },
        clock: 0,
    };
    for start in 0..count {
        if search.met[start] == 0 {
            search.walk(start);
        }
    }
    search.found
}

impl Search<'_> {
    /// Depth first, with a stack of its own: a chain of requirements may be as long as the transaction.
    fn walk(&mut self, start: usize) {
        self.meet(start);
        let mut path = vec![(start, self.graph[start].waiting.len())];
        while let Some((node, left)) = path.last_mut() {
            let node = *node;
            if *left == 0 {
                path.pop();
                if self.low[node] == self.met[node] {
                    self.close(node);
                }
                if let Some((parent, _)) = path.last() {
                    self.low[*parent] = self.low[*parent].min(self.low[node]);
                }
                continue;
            }
            *left -= 1;
            let next = self.graph[node].waiting[*left].other;
            if self.met[next] == 0 {
                self.meet(next);
                path.push((next, self.graph[next].waiting.len()));
            } else if !self.done[next] {
                self.low[node] = self.low[node].min(self.met[next]);
            }
        }
    }

    fn meet(&mut self, node: usize) {
        self.clock += 1;
        self.met[node] = self.clock;
        self.low[node] = self.clock;
        self.stack.push(node);
    }

    /// Everything on the stack from `root` on is one component; one package alone is no loop.
    fn close(&mut self, root: usize) {
        let start = self.stack.iter().rposition(|node| *node == root).unwrap_or_default();
        let members = self.stack.split_off(start);
        for member in &members {
            self.done[*member] = true;
        }
        if members.len() == 1 {
            return;
        }
        let number = self.found.list.len();
        for member in &members {
            self.found.of[*member] = Some(number);
        }
        let inside = |member: &usize| {
            let waiting = self.graph[*member].waiting.iter();
            waiting.filter(|relation| self.found.of[relation.other] == Some(number)).count()
        };
        let needs = members.iter().map(|member| self.graph[*member].needs.len()).sum::<usize>();
        let open = needs - members.iter().map(inside).sum::<usize>();
        self.found.list.push(Component { open, members });
    }
}
