namespace SpecDecode.Constraints;

/// <summary>
/// What a request says about which token may come next: a grammar, a penalty, a rule of your own. It acts on drafter and verifier alike, so the text is that
/// of plain decoding under the same constraint. Goes with a request (<see cref="Generation.GenerationRequest.Constraints"/>) and may be shared by any number of them.
/// </summary>
public interface ITokenConstraint
{
    /// <summary>Begins a text.</summary>
    /// <param name="context">The prompt and the model's vocabulary.</param>
    /// <returns>What follows that text from its first new token on; used by one thread at a time, and by no other text.</returns>
    /// <exception cref="SpecDecodeException">The constraint does not go with the model; the request is refused with it.</exception>
    ITokenConstraintState Begin(TokenConstraintContext context);
}
