namespace SpecDecode;

/// <summary>Why a text ended.</summary>
public enum FinishReason
{
    /// <summary>The model wrote an end-of-sequence token or a stop token, which is the last of the tokens.</summary>
    Stop,

    /// <summary>The number of new tokens asked for, or the longest sequence allowed, was reached.</summary>
    Length,

    /// <summary>The request was cancelled; what was written until then is there.</summary>
    Cancelled,

    /// <summary>The service stopped before the text had ended; what was written until then is there.</summary>
    Shutdown,

    /// <summary>An error ended it; what was written until then is there.</summary>
    Failed,
}
