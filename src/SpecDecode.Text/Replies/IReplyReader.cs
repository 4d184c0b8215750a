namespace SpecDecode.Replies;

/// <summary>Reads replies of some format.</summary>
internal interface IReplyReader
{
    /// <summary>Whether it is inside reasoning.</summary>
    bool IsReasoning { get; }

    /// <summary>Takes the next piece.</summary>
    void Append(string text);

    /// <summary>Ends the reply: what was held back is decided.</summary>
    void Complete();
}
