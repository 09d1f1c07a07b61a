using System.Net.Http.Headers;
using Google.Apis.Auth.OAuth2;

namespace LeadPipeline.Worker.Analysis.Gemini;

/// <summary>What lets us in. Puts itself onto requests, and never into a text.</summary>
public interface IGeminiCredentials
{
    /// <summary>Puts the credentials onto a request.</summary>
    /// <exception cref="Google.Apis.Auth.OAuth2.Responses.TokenResponseException">Google refuses to give out a token.</exception>
    /// <exception cref="HttpRequestException">Google's token service, or the machine's own, does not answer.</exception>
    Task ApplyAsync(HttpRequestMessage request, CancellationToken cancellationToken);

    /// <summary>They were refused. True when there may be newer ones by the next call.</summary>
    Task<bool> RenewAsync(CancellationToken cancellationToken);
}

/// <summary>An API key, sent in a header: in an address it would end in logs.</summary>
public sealed class GeminiApiKey(string key) : IGeminiCredentials
{
    /// <inheritdoc/>
    public Task ApplyAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.TryAddWithoutValidation("x-goog-api-key", key);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<bool> RenewAsync(CancellationToken cancellationToken) => Task.FromResult(false);
}

/// <summary>A Google identity: a service account, a workload identity, or what this machine has. The library keeps its tokens and renews them in time.</summary>
public sealed class GoogleIdentity : IGeminiCredentials
{
    private const string Scope = "https://www.googleapis.com/auth/cloud-platform";

    private readonly GoogleCredential credential;

    private GoogleIdentity(GoogleCredential credential) => this.credential = credential.CreateScoped(Scope);

    /// <summary>Reads a credentials file, or finds out what this machine has (which may take some seconds when it has none).</summary>
    /// <param name="file">A path; null: the application default credentials.</param>
    /// <exception cref="FormatException">There are none, or the file is none; the message says what to set and repeats nothing of the file.</exception>
    public static GoogleIdentity Load(string? file)
    {
        if (string.IsNullOrWhiteSpace(file))
            return new GoogleIdentity(Default());
        if (!File.Exists(file))
            throw new FormatException($"'{file}' does not exist");
        var text = File.ReadAllText(file);
        // Each kind by its name: which kinds are taken is for us to say and not for the file.
        foreach (var kind in (string[])[JsonCredentialParameters.ServiceAccountCredentialType, JsonCredentialParameters.ExternalAccountCredentialType, JsonCredentialParameters.ImpersonatedServiceAccountCredentialType, JsonCredentialParameters.AuthorizedUserCredentialType])
        {
            try
            {
                return new GoogleIdentity(CredentialFactory.FromJson(text, kind));
            }
#pragma warning disable CA1031 // The library throws whatever comes up while it reads; that it cannot be read is all there is to say.
            catch (Exception)
#pragma warning restore CA1031
            {
                continue;
            }
        }
        throw new FormatException($"'{file}' holds no Google credentials (a service account's key, or a workload identity's configuration)");
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var token = await ((ITokenAccess)credential).GetAccessTokenForRequestAsync(cancellationToken: cancellationToken);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <inheritdoc/>
    public async Task<bool> RenewAsync(CancellationToken cancellationToken) => credential.UnderlyingCredential switch
    {
        ServiceCredential service => await service.RequestAccessTokenAsync(cancellationToken),
        UserCredential user => await user.RefreshTokenAsync(cancellationToken),
        _ => false,
    };

    private static GoogleCredential Default()
    {
        try
        {
            return GoogleCredential.GetApplicationDefault();
        }
        // The library waits for its own task here, so that what went wrong may come wrapped.
        catch (Exception exception) when (exception.GetBaseException() is InvalidOperationException or IOException or HttpRequestException)
        {
            throw new FormatException("there are no Google credentials on this machine: name a file, or give the machine a workload identity", exception);
        }
    }
}
