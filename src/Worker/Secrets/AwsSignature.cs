using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime;
using Amazon.Runtime.Internal.Auth;

namespace LeadPipeline.Worker.Secrets;

/// <summary>
/// Signs a request with AWS Signature Version 4. The signer is public in AWSSDK.Core and stands in a namespace that AWS calls internal: this class is the only one
/// that knows it, and a test holds it to a published example.
/// </summary>
public static class AwsSignature
{
    /// <summary>Signs a POST to the root of a service.</summary>
    /// <param name="request">The request; it gets its <c>x-amz-date</c>, <c>Authorization</c> and, with temporary credentials, <c>x-amz-security-token</c>.</param>
    /// <param name="body">Its body.</param>
    /// <param name="headers">Its further headers that are signed, lower case: <c>content-type</c>, <c>x-amz-target</c>.</param>
    /// <param name="credentials">Who signs.</param>
    /// <param name="region">Where.</param>
    /// <param name="service">For what: <c>secretsmanager</c>.</param>
    /// <param name="now">The time; AWS takes five minutes of difference.</param>
    public static void Sign(
        HttpRequestMessage request, byte[] body, IReadOnlyDictionary<string, string> headers, ImmutableCredentials credentials, string region, string service, DateTimeOffset now)
    {
        var signed = new SortedDictionary<string, string>(headers.ToDictionary(), StringComparer.Ordinal)
        {
            ["host"] = request.RequestUri!.Authority,
            ["x-amz-date"] = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture),
        };
        if (credentials.UseToken)
            signed["x-amz-security-token"] = credentials.Token;
        var names = string.Join(';', signed.Keys);
        var canonical = new StringBuilder($"{request.Method.Method}\n{request.RequestUri.AbsolutePath}\n\n");
        foreach (var (name, value) in signed)
            canonical.Append(name).Append(':').Append(value.Trim()).Append('\n');
        canonical.Append('\n').Append(names).Append('\n').Append(Convert.ToHexStringLower(SHA256.HashData(body)));
        var signature = AWS4Signer.ComputeSignature(credentials, region, now.UtcDateTime, service, names, canonical.ToString());
        foreach (var name in (string[])["x-amz-date", "x-amz-security-token"])
        {
            if (signed.TryGetValue(name, out var value))
                request.Headers.TryAddWithoutValidation(name, value);
        }
        request.Headers.TryAddWithoutValidation("Authorization", signature.ForAuthorizationHeader);
    }
}
