namespace SpecDecode.Replies;

/// <summary>
/// Finds where a JSON object or array ends that comes in pieces, without looking at anything twice. Whether it is JSON at all, its reader says.
/// </summary>
internal struct JsonEnd
{
    private int _depth;
    private bool _inString;
    private bool _isEscaped;

    /// <summary>Takes the next piece, the first of which begins with a bracket.</summary>
    /// <returns>The index behind the value's last character; −1 while it goes on.</returns>
    public int Feed(ReadOnlySpan<char> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (_inString)
            {
                (_inString, _isEscaped) = (_isEscaped || c != '"', !_isEscaped && c == '\\');
                continue;
            }

            _inString = c == '"';
            _depth += c is '{' or '[' ? 1 : c is '}' or ']' ? -1 : 0;
            if (_depth <= 0)
            {
                return i + 1;
            }
        }

        return -1;
    }
}
