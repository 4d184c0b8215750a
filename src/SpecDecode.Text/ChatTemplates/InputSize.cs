namespace SpecDecode.ChatTemplates;

/// <summary>How much a template is given to render.</summary>
internal sealed class InputSize
{
    /// <summary>Elements of the arrays that templates go through: messages, tools, documents, and variables that are arrays.</summary>
    public long Entries { get; set; }

    /// <summary>JSON values, those inside others too.</summary>
    public long Values { get; set; }

    /// <summary>UTF-16 units of texts and names.</summary>
    public long Characters { get; set; }

    /// <summary>The steps of looking at all of it once.</summary>
    public long Steps => Values + (Characters >> 5);

    /// <summary>The memory that holds it.</summary>
    public long Bytes => (Values * 32) + (Characters * sizeof(char));
}
