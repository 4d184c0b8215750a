using SpecDecode.ChatTemplates;

namespace SpecDecode.Generation;

/// <summary>A conversation by its turns, of which the oldest can be left out.</summary>
internal sealed class ChatTurns
{
    private readonly IReadOnlyList<ChatMessage> _messages;

    // By the number of turns that are left out: where the rest begins.
    private readonly List<int> _starts = [0];

    /// <summary>Finds the turns.</summary>
    public ChatTurns(IReadOnlyList<ChatMessage> messages)
    {
        _messages = messages;

        // What stands before the first user's message goes with it.
        bool isFirst = true;
        for (int i = 0; i < messages.Count; i++)
        {
            if (messages[i].Role == "user")
            {
                if (!isFirst)
                {
                    _starts.Add(i);
                }

                isFirst = false;
            }
        }
    }

    /// <summary>The most turns that can be left out: all but the last.</summary>
    public int MostDropped => _starts.Count - 1;

    /// <summary>The messages without the oldest turns.</summary>
    public IEnumerable<ChatMessage> Without(int turns)
    {
        for (int i = 0; i < _messages.Count; i++)
        {
            if (i >= _starts[turns] || Stays(_messages[i]))
            {
                yield return _messages[i];
            }
        }
    }

    /// <summary>How many messages are left out with the oldest turns.</summary>
    public int CountDropped(int turns)
    {
        int count = 0;
        for (int i = 0; i < _starts[turns]; i++)
        {
            count += Stays(_messages[i]) ? 0 : 1;
        }

        return count;
    }

    private static bool Stays(ChatMessage message) => message.Role is "system" or "developer";
}
