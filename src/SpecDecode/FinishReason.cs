namespace SpecDecode;

/// <summary>Why a text ended.</summary>
public enum FinishReason
{
    /// <summary>The model wrote an end-of-sequence token, a stop token, or the last token of a stop string; it is the last of the tokens.</summary>
    Stop,

    /// <summary>The number of new tokens asked for, or the longest sequence allowed, was reached.</summary>
    Length,

    /// <summary>The request was cancelled; what was written until then is there.</summary>
    Cancelled,

    /// <summary>The service stopped before the text had ended; what was written until then is there.</summary>
    Shutdown,

    /// <summary>An error ended it; what was written until then is there.</summary>
    Failed,

    /// <summary>The request's deadline has passed; what was written until then is there.</summary>
    Deadline,
}
