using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>What <c>namespace()</c> makes: the one thing whose attributes a template can set, from any scope.</summary>
internal sealed class NamespaceValue
{
    private readonly OrderedDictionary<string, Slot> _slots = new(StringComparer.Ordinal);

    public IEnumerable<KeyValuePair<string, object?>> Attributes => _slots.Select(slot => new KeyValuePair<string, object?>(slot.Key, slot.Value.Value));

    public bool TryGet(string name, out object? value)
    {
        bool found = _slots.TryGetValue(name, out Slot? slot);
        value = slot?.Value;
        if (found)
        {
            slot!.Reads++;
        }

        return found;
    }

    /// <summary>An attribute as it begins.</summary>
    public void Begin(string name, object? value) => _slots[name] = new Slot(value, 0);

    /// <summary>Sets an attribute. What it held before is gone if nobody has read it.</summary>
    /// <param name="memory">Is told what the namespace holds.</param>
    /// <param name="name">The attribute's name.</param>
    /// <param name="value">Its value.</param>
    /// <param name="isNewList">Whether the value is a list that was made just now and that nothing else holds.</param>
    public void Set(MemoryAccount memory, string name, object? value, bool isNewList = false)
    {
        if (_slots.TryGetValue(name, out Slot? before) && before.Reads == 0)
        {
            memory.GiveBack(before.Bytes);
        }

        long bytes = 0;
        if (Text.TryGet(value, out string text))
        {
            bytes = text.Length * (long)sizeof(char);
        }
        else if (value is SequenceValue list && isNewList)
        {
            bytes = Meter.BytesOfReferences(list.Items.Count);
            memory.Unmake(bytes);
            memory.Escape();
        }
        else if (value is not null && !Number.Is(value))
        {
            memory.Escape();
        }

        memory.Keep(bytes);
        _slots[name] = new Slot(value, bytes);
    }

    /// <summary>An attribute that nobody has read since it was set, for <see cref="ForgetRead"/>.</summary>
    public Slot? Unread(string name) => _slots.TryGetValue(name, out Slot? slot) && slot.Reads == 0 ? slot : null;

    /// <summary>Forgets that an attribute was read, if that was once: the reader knows that nothing holds the value any more.</summary>
    public static void ForgetRead(Slot slot) => slot.Reads -= slot.Reads == 1 ? 1 : 0;

    /// <summary>What an attribute holds.</summary>
    /// <param name="value">The value.</param>
    /// <param name="bytes">What it counts for as long as it is there.</param>
    public sealed class Slot(object? value, long bytes)
    {
        public object? Value => value;

        public long Bytes => bytes;

        /// <summary>How often it was handed out.</summary>
        public long Reads { get; set; }
    }
}
