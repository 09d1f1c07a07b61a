using System.Text;
using LeadPipeline.Worker.Intake.Webhooks;
using LeadPipeline.Worker.Intake.Webhooks.Signatures;

namespace LeadPipeline.Worker.Tests.Intake.Webhooks;

/// <summary>The signatures here were made with openssl, not with the code under test.</summary>
public sealed class SignatureTests
{
    private const string Body = """{"event":"x","n":1}""";
    private const string Whsec = "whsec_bGVhZHBpcGVsaW5lLXRlc3Qtc2VjcmV0LTMyYnl0ZXM=", OldWhsec = "whsec_YW4tb2xkZXItc2VjcmV0LW9mLXRoZS1zYW1lLXNpemU=";
    private const string Signed = "v1,myRCbqAUs3SyYxyFtCBzyVrswjVjVrP8Lrn7FtQmA9o=", SignedOld = "v1,feoq6O+0hlBpedgywCLqPl0kho0mgACKcjcylQv9vEw=";
    private const string Hex = "3d1bfb90463fe3a31886c2e50a52671f771db45873d8262b8cd15ddcc4dff6a0";

    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1700000000);

    private static readonly HmacSignature Typeform = new("Typeform-Signature", SignatureEncoding.Base64, SignedText.Body, "sha256=");
    private static readonly HmacSignature Meta = new("X-Hub-Signature-256", SignatureEncoding.Hex, SignedText.Body, "sha256=");
    private static readonly HmacSignature Webflow = new("x-webflow-signature", SignatureEncoding.Hex, SignedText.Parse("{timestamp}:{body}"), "", new SignedTime("x-webflow-timestamp", TimeUnit.Milliseconds));

    [TestCase(Signed, ExpectedResult = null)]
    [TestCase(SignedOld, ExpectedResult = null, Description = "a second key while they are rotated")]
    [TestCase("v1,AAAA " + Signed, ExpectedResult = null)]
    [TestCase("v1a,AAAA v2,BBBB " + Signed, ExpectedResult = null)]
    [TestCase("v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==", ExpectedResult = "the header webhook-signature has no v1 signature")]
    [TestCase("v1,9yRCbqAUs3SyYxyFtCBzyVrswjVjVrP8Lrn7FtQmA9o=", ExpectedResult = "the signature does not match")]
    [TestCase("v1,myRCbqAUs3SyYxyFtCBzyVrswjVjVrP8Lrn7FtQmA9o", ExpectedResult = "the header webhook-signature has no v1 signature")]
    [TestCase("myRCbqAUs3SyYxyFtCBzyVrswjVjVrP8Lrn7FtQmA9o=", ExpectedResult = "the header webhook-signature has no v1 signature")]
    [TestCase("v1,", ExpectedResult = "the header webhook-signature has no v1 signature")]
    [TestCase("v1 v1 v1 v1 v1 v1 v1 v1 v1 v1 v1 v1 v1 v1 v1 v1 v1", ExpectedResult = "the header webhook-signature has too many signatures")]
    [TestCase(null, ExpectedResult = "the header webhook-signature is missing")]
    public string? Standard_takes_any_of_several_signatures(string? header) =>
        Verify(new StandardWebhooksSignature(), [Whsec, OldWhsec], ("webhook-id", "msg_1"), ("webhook-timestamp", "1700000000"), ("webhook-signature", header));

    [TestCase("msg_2", "1700000000", ExpectedResult = "the signature does not match")]
    [TestCase(null, "1700000000", ExpectedResult = "the header webhook-id is missing")]
    [TestCase("msg_1", "1700000001", ExpectedResult = "the signature does not match")]
    [TestCase("msg_1", null, ExpectedResult = "the timestamp is missing")]
    [TestCase("msg_1", "yesterday", ExpectedResult = "the timestamp is not a number")]
    [TestCase("msg_1", "-1700000000", ExpectedResult = "the timestamp is not a number")]
    [TestCase("msg_1", "1700000000000000000000", ExpectedResult = "the timestamp is not a number")]
    [TestCase("msg_1", "999999999999999", ExpectedResult = "the timestamp is too far from the time here")]
    [TestCase("msg_1", "1699999699", ExpectedResult = "the timestamp is too far from the time here")]
    [TestCase("msg_1", "1700000301", ExpectedResult = "the timestamp is too far from the time here")]
    [TestCase("msg_1", "1699999700", ExpectedResult = "the signature does not match")]
    public string? Standard_signs_id_and_time_too(string? id, string? timestamp) =>
        Verify(new StandardWebhooksSignature(), [Whsec], ("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", Signed));

    [TestCase("leadpipeline-test-secret-32bytes", ExpectedResult = null, Description = "the text itself")]
    [TestCase("bGVhZHBpcGVsaW5lLXRlc3Qtc2VjcmV0LTMyYnl0ZXM=", ExpectedResult = null, Description = "base64 without the prefix")]
    [TestCase("whsec_bGVhZHBpcGVsaW5lLXRlc3Qtc2VjcmV0LTMyYnl0ZXM", ExpectedResult = "is not base64 after whsec_")]
    [TestCase("whsec_", ExpectedResult = "is not base64 after whsec_")]
    [TestCase("", ExpectedResult = "is empty")]
    public string? Standard_secrets_are_base64_or_text(string secret) => new StandardWebhooksSignature().Refuse(secret)
        ?? Verify(new StandardWebhooksSignature(), [secret], ("webhook-id", "msg_1"), ("webhook-timestamp", "1700000000"), ("webhook-signature", Signed));

    [TestCase("sha256=PRv7kEY/46MYhsLlClJnH3cdtFhz2CYrjNFd3MTf9qA=", ExpectedResult = null)]
    [TestCase("PRv7kEY/46MYhsLlClJnH3cdtFhz2CYrjNFd3MTf9qA=", ExpectedResult = "the header Typeform-Signature does not have the form of a signature")]
    [TestCase("sha256=" + Hex, ExpectedResult = "the header Typeform-Signature does not have the form of a signature")]
    [TestCase("sha256=ARv7kEY/46MYhsLlClJnH3cdtFhz2CYrjNFd3MTf9qA=", ExpectedResult = "the signature does not match")]
    [TestCase(null, ExpectedResult = "the header Typeform-Signature is missing")]
    public string? Typeform_signs_the_body(string? header) => Verify(Typeform, ["other", "s3cret"], ("Typeform-Signature", header));

    [TestCase("sha256=" + Hex, ExpectedResult = null)]
    [TestCase("sha1=" + Hex, ExpectedResult = "the header X-Hub-Signature-256 does not have the form of a signature")]
    [TestCase("sha256=3d1b", ExpectedResult = "the header X-Hub-Signature-256 does not have the form of a signature")]
    [TestCase("sha256=" + Hex + "," + Hex, ExpectedResult = "the header X-Hub-Signature-256 does not have the form of a signature")]
    public string? Meta_signs_the_body(string header) => Verify(Meta, ["s3cret"], ("X-Hub-Signature-256", header));

    [TestCase("1700000000000", "b9dc821471f07842ccc5c3fcae85d76d8742719aaa9176bde259a5467afe9160", ExpectedResult = null)]
    [TestCase("1700000000000", "B9DC821471F07842CCC5C3FCAE85D76D8742719AAA9176BDE259A5467AFE9160", ExpectedResult = null)]
    [TestCase("1700000000001", "b9dc821471f07842ccc5c3fcae85d76d8742719aaa9176bde259a5467afe9160", ExpectedResult = "the signature does not match")]
    [TestCase("1699999000000", "b9dc821471f07842ccc5c3fcae85d76d8742719aaa9176bde259a5467afe9160", ExpectedResult = "the timestamp is too far from the time here")]
    public string? Webflow_signs_time_and_body(string timestamp, string signature) =>
        Verify(Webflow, ["s3cret"], ("x-webflow-timestamp", timestamp), ("x-webflow-signature", signature));

    [TestCase("t=1700000000,v1=1121d92d2a451fe00e30b8d43f175e9082f60fad84a46a875836a6b627dc9e6b", ExpectedResult = null)]
    [TestCase("v1=1121d92d2a451fe00e30b8d43f175e9082f60fad84a46a875836a6b627dc9e6b, t=1700000000", ExpectedResult = null)]
    [TestCase("t=1700000000", ExpectedResult = "the header Calendly-Webhook-Signature does not have the form of a signature")]
    [TestCase("v1=1121d92d2a451fe00e30b8d43f175e9082f60fad84a46a875836a6b627dc9e6b", ExpectedResult = "the timestamp is missing")]
    [TestCase("t=1700000009,v1=1121d92d2a451fe00e30b8d43f175e9082f60fad84a46a875836a6b627dc9e6b", ExpectedResult = "the signature does not match")]
    public string? Calendly_has_time_and_signature_in_one_header(string header) => Verify(new CalendlySignature(), ["s3cret"], ("Calendly-Webhook-Signature", header));

    [TestCase("https://leads.example/webhooks/hubspot?a=b%3Ac&d=%20e", ExpectedResult = null)]
    [TestCase("https://leads.example/webhooks/hubspot?a=b%3ac&d=%20e", ExpectedResult = null)]
    [TestCase("https://leads.example/webhooks/hubspot?a=b:c&d= e", ExpectedResult = "the signature does not match", Description = "a space is none of the characters that are decoded")]
    [TestCase("http://leads.example/webhooks/hubspot?a=b:c&d=%20e", ExpectedResult = "the signature does not match")]
    public string? HubSpot_signs_the_address_partly_decoded(string url) => Verify(
        new HubSpotSignature(), ["s3cret"], url, ("X-HubSpot-Request-Timestamp", "1700000000000"), ("X-HubSpot-Signature-v3", "0GQ8wbGLzH5hP99yrbAaKLCjpzKuTvLHP6RXvfwDrf0="));

    [TestCase("first", ExpectedResult = null)]
    [TestCase("second", ExpectedResult = null)]
    [TestCase("First", ExpectedResult = "the secret in the header X-Secret is another one")]
    [TestCase("first,second", ExpectedResult = "the secret in the header X-Secret is another one")]
    [TestCase("", ExpectedResult = "the header X-Secret is missing")]
    public string? A_shared_secret_is_said_in_a_header(string said) => Verify(new SharedSecretHeader("X-Secret"), ["first", "second"], ("X-Secret", said));

    [TestCase("""{"google_key":"first"}""", ExpectedResult = null)]
    [TestCase("""{"a":{"google_key":"x"},"b":[1,{"google_key":"y"}],"google_key":"second"}""", ExpectedResult = null)]
    [TestCase("""{"google_key":"first","broken":""", ExpectedResult = null, Description = "what comes after it is for the parser to judge")]
    [TestCase("""{"google_key":"third"}""", ExpectedResult = "the member google_key is another secret")]
    [TestCase("""{"google_key":1}""", ExpectedResult = "the member google_key is missing")]
    [TestCase("""{"a":{"google_key":"first"}}""", ExpectedResult = "the member google_key is missing")]
    [TestCase("""["google_key","first"]""", ExpectedResult = "the member google_key is missing")]
    [TestCase("""{"google_key":"\ud800"}""", ExpectedResult = "the body is not JSON, so that it can hold no secret")]
    [TestCase("""google_key=first""", ExpectedResult = "the body is not JSON, so that it can hold no secret")]
    [TestCase("", ExpectedResult = "the body is not JSON, so that it can hold no secret")]
    public string? A_shared_secret_is_said_in_the_body(string body) =>
        new SharedSecretMember("google_key").Verify(new WebhookRequest("POST", "", _ => null, Encoding.UTF8.GetBytes(body)), ["first", "second"], Now, TimeSpan.FromMinutes(5)).Reason;

    [TestCase("{timestamp}.{bdy}", "'{bdy' is no part of a post")]
    [TestCase("{timestamp}.{body", "'{body' is no part of a post")]
    [TestCase("{timestamp}", "what is signed has to hold {body}")]
    [TestCase("", "what is signed has to hold {body}")]
    public void A_template_names_parts_that_there_are(string template, string fault)
    {
        Assert.That(() => SignedText.Parse(template), Throws.TypeOf<FormatException>().With.Message.StartsWith(fault));
    }

    [Test]
    public void No_scheme_takes_anything_without_a_secret()
    {
        ISignatureScheme[] schemes = [new StandardWebhooksSignature(), Typeform, Meta, Webflow, new CalendlySignature(), new HubSpotSignature(), new SharedSecretHeader("X-Secret"), new SharedSecretMember("google_key")];
        var request = Request("https://leads.example/", Body,
            ("webhook-id", "msg_1"), ("webhook-timestamp", "1700000000"), ("webhook-signature", Signed), ("Typeform-Signature", "sha256=PRv7kEY/46MYhsLlClJnH3cdtFhz2CYrjNFd3MTf9qA="), ("X-Secret", "x"));

        Assert.That(schemes.Select(s => s.Verify(request, [], Now, TimeSpan.FromMinutes(5)).IsGenuine), Is.All.False);
    }

    private static string? Verify(ISignatureScheme scheme, string[] secrets, params (string Name, string? Value)[] headers) => Verify(scheme, secrets, "https://leads.example/", headers);

    private static string? Verify(ISignatureScheme scheme, string[] secrets, string url, params (string Name, string? Value)[] headers) =>
        scheme.Verify(Request(url, Body, headers), secrets, Now, TimeSpan.FromMinutes(5)).Reason;

    private static WebhookRequest Request(string url, string body, params (string Name, string? Value)[] headers) =>
        new("POST", url, name => headers.FirstOrDefault(h => string.Equals(h.Name, name, StringComparison.OrdinalIgnoreCase)).Value, Encoding.UTF8.GetBytes(body));
}
