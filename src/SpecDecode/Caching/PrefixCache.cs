namespace SpecDecode.Caching;

/// <summary>
/// Full pages of texts, found again by their tokens (vLLM's automatic prefix caching; RadixAttention, 2312.07104): a page's keys and values are a function of its
/// tokens and of all tokens before them. So pages form trees, one for each root, and a page is found below the page that holds what comes before, by a hash of
/// its tokens, which are then compared one by one. What is looked for least recently goes first, and only what no sequence uses. Not safe for concurrent use.
/// </summary>
internal sealed class PrefixCache
{
    private const int None = -1;

    private readonly KvPool _pool;
    private readonly int _maxPages;
    private readonly Func<int, ReadOnlyMemory<int>, int> _hash;
    private readonly Dictionary<PrefixRoot, int> _roots = [];
    private readonly Dictionary<(int Parent, int Hash), int> _first = [];
    private readonly List<int> _path = [];
    private Node[] _nodes = [];
    private int[] _tokens = [];
    private int _count;
    private int _free = None;
    private int _newest = None;
    private int _oldest = None;

    /// <summary>Makes an empty cache.</summary>
    /// <param name="pool">The pages.</param>
    /// <param name="maxPages">Most pages that it keeps.</param>
    /// <param name="hash">Hash of a page's tokens below another page; null takes one that is different in every process.</param>
    public PrefixCache(KvPool pool, int maxPages, Func<int, ReadOnlyMemory<int>, int>? hash = null)
    {
        _pool = pool;
        _maxPages = maxPages;
        _hash = hash ?? Hash;
    }

    /// <summary>Pages that it keeps.</summary>
    public int Pages { get; private set; }

    /// <summary>The pages of the longest beginning of a text that is there.</summary>
    /// <param name="root">What else the numbers depend on, and who may share them.</param>
    /// <param name="tokens">The text.</param>
    /// <param name="pages">Takes the pages, in their order; they stay until somebody else takes room.</param>
    public PrefixPlace Find(PrefixRoot root, ReadOnlyMemory<int> tokens, List<int> pages)
    {
        pages.Clear();
        _path.Clear();
        if (!_roots.TryGetValue(root, out int node))
        {
            return PrefixPlace.Beginning;
        }

        int size = _pool.PagePositions;
        for (int start = 0; start + size <= tokens.Length; start += size)
        {
            int child = FindChild(node, tokens.Slice(start, size), out _);
            if (child == None)
            {
                break;
            }

            node = child;
            pages.Add(_nodes[node].Page);
            _path.Add(node);
        }

        // The last first, so that what comes before is always the more recent.
        for (int i = _path.Count - 1; i >= 0; i--)
        {
            Touch(_path[i]);
        }

        return pages.Count == 0 ? PrefixPlace.Beginning : new PrefixPlace(node, _nodes[node].Version, pages.Count);
    }

    /// <summary>Adds the next full pages of a text.</summary>
    /// <param name="root">As for <see cref="Find"/>.</param>
    /// <param name="place">How far the text is there already.</param>
    /// <param name="tokens">The text, as far as its entries are committed.</param>
    /// <param name="pages">Its pages.</param>
    /// <returns>How far it is there now.</returns>
    public PrefixPlace Add(PrefixRoot root, PrefixPlace place, ReadOnlyMemory<int> tokens, ReadOnlySpan<int> pages)
    {
        int size = _pool.PagePositions;
        if (place.IsLost || (place.Pages + 1) * size > tokens.Length || _maxPages == 0)
        {
            return place;
        }

        int node = place.Pages == 0 ? Root(root) : place.Node;
        if (place.Pages > 0 && _nodes[node].Version != place.Version)
        {
            // What comes before has gone, so that nobody could find it.
            return PrefixPlace.Lost;
        }

        int count = place.Pages;
        for (; (count + 1) * size <= tokens.Length; count++)
        {
            ReadOnlyMemory<int> some = tokens.Slice(count * size, size);
            int child = FindChild(node, some, out int hash);
            if (child == None)
            {
                // What it goes below must not go for it.
                _nodes[node].Children++;
                bool hasRoom = Pages < _maxPages || TryFreeOne();
                _nodes[node].Children--;
                if (!hasRoom)
                {
                    break;
                }

                child = Insert(node, hash, some.Span, pages[count]);
            }

            node = child;
        }

        if (count > 0)
        {
            return new PrefixPlace(node, _nodes[node].Version, count);
        }

        RemoveIfEmpty(node);
        return PrefixPlace.Beginning;
    }

    /// <summary>Gives a page up that no sequence uses, the one that was looked for least recently.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryFreeOne()
    {
        for (int node = _oldest; node != None; node = _nodes[node].Newer)
        {
            if (_nodes[node].Children == 0 && _pool.Users(_nodes[node].Page) == 1)
            {
                Remove(node);
                return true;
            }
        }

        return false;
    }

    private static int Hash(int parent, ReadOnlyMemory<int> tokens)
    {
        HashCode hash = default;
        hash.Add(parent);
        hash.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(tokens.Span));
        return hash.ToHashCode();
    }

    private int FindChild(int parent, ReadOnlyMemory<int> tokens, out int hash)
    {
        hash = _hash(parent, tokens);
        if (!_first.TryGetValue((parent, hash), out int node))
        {
            return None;
        }

        while (node != None && !Tokens(node).SequenceEqual(tokens.Span))
        {
            node = _nodes[node].NextOfHash;
        }

        return node;
    }

    private Span<int> Tokens(int node) => _tokens.AsSpan(node * _pool.PagePositions, _pool.PagePositions);

    private int Root(PrefixRoot root)
    {
        if (!_roots.TryGetValue(root, out int node))
        {
            node = NewNode();
            _nodes[node].Root = root;
            _roots.Add(root, node);
        }

        return node;
    }

    private int Insert(int parent, int hash, ReadOnlySpan<int> tokens, int page)
    {
        _pool.Keep(page);
        int node = NewNode();
        ref Node added = ref _nodes[node];
        added.Parent = parent;
        added.Hash = hash;
        added.Page = page;
        added.NextOfHash = _first.GetValueOrDefault((parent, hash), None);
        tokens.CopyTo(Tokens(node));
        _first[(parent, hash)] = node;
        _nodes[parent].Children++;
        Link(node);
        Pages++;

        // Its ancestors are as recent.
        for (int above = parent; _nodes[above].Root is null; above = _nodes[above].Parent)
        {
            Touch(above);
        }

        return node;
    }

    private int NewNode()
    {
        if (_free == None)
        {
            if (_count == _nodes.Length)
            {
                Array.Resize(ref _nodes, Math.Max(64, 2 * _count));
                Array.Resize(ref _tokens, _nodes.Length * _pool.PagePositions);
            }

            _free = _count++;
            _nodes[_free].NextOfHash = None;
        }

        int node = _free;
        _free = _nodes[node].NextOfHash;
        _nodes[node] = new Node { Version = _nodes[node].Version + 1, Parent = None, NextOfHash = None, Newer = None, Older = None };
        return node;
    }

    private void Remove(int node)
    {
        Node removed = _nodes[node];
        int first = _first[(removed.Parent, removed.Hash)];
        if (first != node)
        {
            int before = first;
            while (_nodes[before].NextOfHash != node)
            {
                before = _nodes[before].NextOfHash;
            }

            _nodes[before].NextOfHash = removed.NextOfHash;
        }
        else if (removed.NextOfHash == None)
        {
            _first.Remove((removed.Parent, removed.Hash));
        }
        else
        {
            _first[(removed.Parent, removed.Hash)] = removed.NextOfHash;
        }

        Unlink(node);
        _pool.Forget(removed.Page);
        Pages--;
        Recycle(node);
        _nodes[removed.Parent].Children--;
        RemoveIfEmpty(removed.Parent);
    }

    // A root goes with the last page below it: there are as many as callers name.
    private void RemoveIfEmpty(int node)
    {
        if (_nodes[node] is { Root: { } root, Children: 0 })
        {
            _roots.Remove(root);
            Recycle(node);
        }
    }

    private void Recycle(int node)
    {
        _nodes[node] = new Node { Version = _nodes[node].Version + 1, NextOfHash = _free };
        _free = node;
    }

    private void Touch(int node)
    {
        if (node != _newest)
        {
            Unlink(node);
            Link(node);
        }
    }

    private void Link(int node)
    {
        _nodes[node].Older = _newest;
        _nodes[node].Newer = None;
        if (_newest != None)
        {
            _nodes[_newest].Newer = node;
        }

        _newest = node;
        _oldest = _oldest == None ? node : _oldest;
    }

    private void Unlink(int node)
    {
        (int older, int newer) = (_nodes[node].Older, _nodes[node].Newer);
        _oldest = _oldest == node ? newer : _oldest;
        _newest = _newest == node ? older : _newest;
        if (older != None)
        {
            _nodes[older].Newer = newer;
        }

        if (newer != None)
        {
            _nodes[newer].Older = older;
        }
    }

    /// <summary>A page, or a root.</summary>
    private struct Node
    {
        public int Version;
        public int Parent;
        public int Hash;
        public int NextOfHash;
        public int Page;
        public int Children;
        public int Newer;
        public int Older;
        public PrefixRoot? Root;
    }
}
