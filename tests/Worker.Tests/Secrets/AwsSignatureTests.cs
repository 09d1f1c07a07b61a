using Amazon.Runtime;
using LeadPipeline.Worker.Secrets;

namespace LeadPipeline.Worker.Tests.Secrets;

public sealed class AwsSignatureTests
{
    [Test]
    public void Should_sign_the_example_that_AWS_published()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "https://example.amazonaws.com/");

        AwsSignature.Sign(request, [], new Dictionary<string, string>(), new ImmutableCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", null), "us-east-1", "service", new DateTimeOffset(2015, 8, 30, 12, 36, 0, TimeSpan.Zero));

        Assert.That(request.Headers.GetValues("Authorization").Single(), Is.EqualTo(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"));
    }
}
