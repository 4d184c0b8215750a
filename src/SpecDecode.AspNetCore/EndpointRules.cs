using Microsoft.Extensions.Options;

namespace SpecDecode.AspNetCore;

/// <summary>Checks the options; each mistake is a sentence that names its place.</summary>
/// <param name="place">What stands before an option's name.</param>
internal sealed class EndpointRules(string place) : IValidateOptions<SpecDecodeEndpointOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, SpecDecodeEndpointOptions options)
    {
        string[] errors = [.. options.Errors().Select(error => place + error)];
        return errors.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
