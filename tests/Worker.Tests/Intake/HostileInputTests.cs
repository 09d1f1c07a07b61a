using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using LeadPipeline.Contracts;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Intake.Forms;
using LeadPipeline.Worker.Intake.Webhooks;
using LeadPipeline.Worker.Intake.Webhooks.Mapping;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;
using LeadPipeline.Worker.Intake.Webhooks.Signatures;
using LeadPipeline.Worker.Messaging.RabbitMq;
using LeadPipeline.Worker.Tests.Intake.Webhooks;
using Microsoft.Net.Http.Headers;

namespace LeadPipeline.Worker.Tests.Intake;

/// <summary>Whatever is posted is taken or refused: nothing throws, nothing is changed but as documented, and what is taken can be sent on.</summary>
public sealed class HostileInputTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly ISignatureScheme[] Schemes =
    [
        new StandardWebhooksSignature(), new HubSpotSignature(), new CalendlySignature(), new SharedSecretHeader("X-Secret"), new SharedSecretMember("google_key"),
        new HmacSignature("X-Signature", SignatureEncoding.Hex, SignedText.Parse("{timestamp}.{body}"), "sha256=", new SignedTime("X-Time", TimeUnit.Seconds)),
        new HmacSignature("X-Signature", SignatureEncoding.Base64, SignedText.Body),
    ];

    private static readonly MappingFile Mapping = MappingReader.Read("m.yaml", """
        version: 1
        signature: { scheme: shared-secret, header: X-S }
        leads: /payload
        key: /id
        fields: { email: { firstOf: [ /email, /data/Email ] }, name: /name, receivedAt: /created_at, enrichment.employees: /questions_and_answers/0/position, customFields.x: /tracking }
        """u8.ToArray()).Result!;

    private static readonly IPayloadMapping[] Mappings =
    [
        new StandardPayload(), new TypeformPayload(), new CalendlyPayload(), new WebflowPayload(), new GoogleAdsPayload(), new HubSpotPayload(), new MetaPayload(), new MarketoPayload(), Mapping,
    ];

    private const string HeaderCharacters = "v1,=ts .:%ABCabc019/+\u00e9\ud83d\0sha256";

    private static readonly string[] Vendors = ["typeform", "calendly", "webflow", "hubspot", "google-ads"];

    [TestCase("{\"a\":NaN}")]
    [TestCase("{\"a\":Infinity}")]
    [TestCase("{\"a\":1,}")]
    [TestCase("{\"a\":1} {}")]
    [TestCase("// no\n{}")]
    [TestCase("{'a':1}")]
    [TestCase("\ufeff{}")]
    [TestCase("")]
    public void What_is_not_JSON_is_refused_by_place(string body)
    {
        var (parsed, fault) = StrictJson.Parse(Encoding.UTF8.GetBytes(body));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(parsed, Is.Null);
            Assert.That(fault!.Problem, Does.StartWith("is not JSON of at most 32 levels (line 1, byte ").Or.StartsWith("is not JSON of at most 32 levels (line 2"));
        }
    }

    [TestCase("{\"a\":{\"b\":1,\"b\":2}}", "$.a.b", "appears twice in one object")]
    [TestCase("{\"a\":{\"b\":1,\"\\u0062\":2}}", "$.a.b", "appears twice in one object")]
    [TestCase("{\"a\":[0,\"\\ud800\"]}", "$.a[1]", "is not valid Unicode text")]
    [TestCase("{\"\\udc00\":1}", "(a member name)", "is not valid Unicode text")]
    [TestCase("{\"a\":\"x\\u0000y\"}", "$.a", "holds a NUL character")]
    [TestCase("{\"a\\u0000\":1}", "$.a", "has a NUL character in its name")]
    public void What_is_no_text_is_refused_by_name(string body, string field, string problem)
    {
        var (_, fault) = StrictJson.Parse(Encoding.UTF8.GetBytes(body));

        Assert.That((fault!.Field, fault.Problem), Is.EqualTo((field, problem)));
    }

    [TestCase(0xFF)]
    [TestCase(0xC0)]
    [TestCase(0xED)]
    public void Bytes_that_are_not_UTF8_are_refused_by_name(int wrong)
    {
        var (_, fault) = StrictJson.Parse([.. "{\"a\":\"x"u8, (byte)wrong, (byte)0xA0, .. "\"}"u8]);

        Assert.That((fault!.Field, fault.Problem), Is.EqualTo(("$.a", "is not valid Unicode text")));
    }

    [TestCase(32, true)]
    [TestCase(33, false)]
    [TestCase(100, false)]
    [TestCase(100_000, false)]
    public void Nesting_has_an_end(int levels, bool taken)
    {
        var (body, _) = StrictJson.Parse(Encoding.ASCII.GetBytes(new string('[', levels) + new string(']', levels)));

        Assert.That(body is not null, Is.EqualTo(taken));
    }

    // What nobody looks into is written on all the same, and half a surrogate pair cannot be.
    [TestCase("""{"email":"a@b.de","trusted":"\ud800"}""", "trusted")]
    [TestCase("""{"email":"a@b.de","trusted":{"x":["\udc00"]}}""", "trusted.x[0]")]
    [TestCase("""{"email":"a@b.de","rejected_because":"\ud800"}""", "rejected_because")]
    [TestCase("""{"email":"a@b.de","list":[{"x":"\ud800"}]}""", "list[0].x")]
    [TestCase("""{"email":"a@b.de","customFields":{"list":[{"x":1,"x":2}]}}""", "list[0].x")]
    public void A_lead_is_text_all_through(string body, string field)
    {
        var read = LeadReader.Read(JsonElement.Parse(body), new LeadOrigin("api"), Now);

        Assert.That(((ReadLead.Refused)read).Errors.Select(e => e.Field), Is.EqualTo(new[] { field }));
    }

    [TestCase("")]
    [TestCase("\"customFields\":")]
    [TestCase("\"enrichment\":")]
    public void A_long_name_is_not_copied_for_each_of_its_members(string where)
    {
        var members = string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"a{i}\":1"));
        var inner = $"\"{new string('n', 400_000)}\u00e9\":{{{members}}}";
        var body = JsonElement.Parse($"{{\"email\":\"a@b.de\",{(where.Length == 0 ? inner : $"{where}{{{inner}}}")}}}");
        var before = GC.GetAllocatedBytesForCurrentThread();

        var read = LeadReader.Read(body, new LeadOrigin("api"), Now);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(read, Is.TypeOf<ReadLead.Accepted>());
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(100_000_000), "copied for each it would be sixteen thousand millions");
        }
    }

    [Test]
    public void Naughty_strings_come_through_unchanged_in_every_field_or_are_refused_by_its_name() => ComeThroughEveryField(VendorSamples.Hostile);

    [Test]
    public void Naughty_strings_come_through_a_form_unchanged() => ComeThroughAForm(VendorSamples.Hostile);

    [Test]
    public void Naughty_strings_in_a_vendors_post_are_taken_or_refused() => AreTakenFromAVendor(VendorSamples.Hostile);

    [Test]
    public void Naughty_strings_that_others_collected_come_through_as_ours_do()
    {
        var texts = OutsideData.Texts("hostile");
        if (texts.Count == 0)
            Assert.Ignore($"Left out: that the hostile strings that others have collected come through the doors as our own do. There is no folder 'hostile' in {string.Join(", ", OutsideData.Folders)}; name the folder above it by {OutsideData.Variable}.");

        TestContext.Out.WriteLine($"{texts.Count} strings of others");
        ComeThroughEveryField(texts);
        ComeThroughAForm(texts);
        AreTakenFromAVendor(texts);
    }

    [Test]
    public void Broken_posts_are_taken_or_refused()
    {
        var random = new Random(20260);
        var seeds = Vendors.Select(v => Encoding.UTF8.GetBytes(VendorSamples.Body(v).ToJsonString())).ToList();
        for (var round = 0; round < 3000; round++)
        {
            var body = Broken(seeds[round % seeds.Count], random);

            TakeAll(body);
            foreach (var scheme in Schemes)
                Assert.That(scheme.Verify(new WebhookRequest("POST", Garbage(random), _ => random.Next(4) == 0 ? null : Garbage(random), body), ["a secret that nobody comes upon"], Now, TimeSpan.FromMinutes(5)).IsGenuine, Is.False);
        }
    }

    [Test]
    public void Broken_forms_are_read_or_refused()
    {
        var random = new Random(20261);
        byte[][] seeds =
        [
            "email=a%40b.de&name=Zo%C3%AB&box=1&box=2&_charset_=utf-8"u8.ToArray(),
            "--X\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na@b.de\r\n--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\r\n\r\n\r\n--X--\r\n"u8.ToArray(),
        ];
        string[] types = ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=latin1", "multipart/form-data; boundary=X", "multipart/form-data"];
        for (var round = 0; round < 4000; round++)
        {
            var reading = FormBody.Read(MediaTypeHeaderValue.Parse(types[random.Next(types.Length)]), Broken(seeds[random.Next(2)], random));
            if (reading is FormReading.Fields fields)
                SendOn(FormEndpoints.Lead(fields, new HtmlFormOptions()));
        }
    }

    [FsCheck.NUnit.Property(MaxTest = 300)]
    public Property Whatever_was_signed_is_genuine_and_nothing_else_is() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonNull<string>>(), ArbMap.Default.ArbFor<byte[]>(), (secret, body) =>
        {
            var key = "k" + secret.Get.Replace("\0", "", StringComparison.Ordinal);
            var text = SignedText.Parse("{timestamp}.{body}");
            var scheme = new HmacSignature("X-Signature", SignatureEncoding.Hex, text, "", new SignedTime("X-Time", TimeUnit.Seconds));
            var stamp = Now.ToUnixTimeSeconds().ToString();
            var unsigned = new WebhookRequest("POST", "", _ => null, body ?? []);
            var signature = Convert.ToHexString(text.Sign(unsigned, stamp, Encoding.UTF8.GetBytes(key)));
            var signed = unsigned with { Header = name => name == "X-Time" ? stamp : signature };

            return scheme.Verify(signed, ["x", key], Now, TimeSpan.FromMinutes(5)).IsGenuine
                && !scheme.Verify(signed, ["x"], Now, TimeSpan.FromMinutes(5)).IsGenuine
                && !scheme.Verify(signed with { Body = (byte[])[.. body ?? [], 0] }, [key], Now, TimeSpan.FromMinutes(5)).IsGenuine
                && !scheme.Verify(signed, [key], Now.AddMinutes(6), TimeSpan.FromMinutes(5)).IsGenuine;
        });

    [FsCheck.NUnit.Property(MaxTest = 300)]
    public bool What_a_form_says_comes_out_of_it(NonEmptyString name, NonNull<string> value)
    {
        var (field, text) = (Wellformed(name.Get), Wellformed(value.Get));
        var reading = FormBody.Read(MediaTypeHeaderValue.Parse("application/x-www-form-urlencoded"), Encoding.ASCII.GetBytes($"{Uri.EscapeDataString(field)}={Uri.EscapeDataString(text)}"));

        return field.Length == 0 || (reading is FormReading.Fields { All: [var only] } && only == (field, text));
    }

    private static string Wellformed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace("\0", "", StringComparison.Ordinal);

    /// <summary>Through every mapping, as an endpoint would.</summary>
    private static void ComeThroughEveryField(IReadOnlyList<string> texts)
    {
        var wrong = new List<string>();
        foreach (var text in texts)
        {
            foreach (var field in new[] { "name", "company", "message", "title", "x" })
            {
                var body = JsonSerializer.SerializeToElement(new JsonObject { ["email"] = "a@b.de", [field] = text });
                switch (LeadReader.Read(body, new LeadOrigin("api"), Now))
                {
                    case ReadLead.Refused refused when refused.Errors.Any(e => e.Field != field):
                        wrong.Add($"{field} is refused as {refused.Errors[0].Field}");
                        break;
                    case ReadLead.Accepted { Lead: var lead } when field is "company" or "message" or "x":
                        var kept = field switch { "company" => lead.Company, "message" => lead.Message, _ => lead.CustomFields.GetValueOrDefault("x") };
                        if ((kept ?? "") != LeadText.Cut(LeadText.Clean(text, lines: field == "message"), field == "x" ? 1000 : 8000))
                            wrong.Add($"{field} is changed: {JsonSerializer.Serialize(text)}");
                        break;
                }
            }
        }

        Assert.That(wrong, Is.Empty);
    }

    private static void ComeThroughAForm(IReadOnlyList<string> texts)
    {
        foreach (var some in texts.Chunk(FormBody.MaxFields))
        {
            var form = string.Join('&', some.Select((s, i) => $"field{i}={Uri.EscapeDataString(s)}"));

            var fields = (FormReading.Fields)FormBody.Read(MediaTypeHeaderValue.Parse("application/x-www-form-urlencoded"), Encoding.ASCII.GetBytes(form));

            Assert.That(fields.All.Select(f => f.Value), Is.EqualTo(some));
        }
    }

    private static void AreTakenFromAVendor(IReadOnlyList<string> texts)
    {
        foreach (var text in texts)
        {
            var webflow = VendorSamples.Body("webflow");
            webflow["payload"]!["data"]![text.Length == 0 ? "empty" : text] = text;
            webflow["payload"]!["data"]!["company"] = text;
            TakeAll(Encoding.UTF8.GetBytes(webflow.ToJsonString()));
        }
    }

    private static void TakeAll(byte[] bytes)
    {
        if (StrictJson.Parse(bytes) is not { Body: { } body })
            return;
        foreach (var mapping in Mappings)
        {
            if (mapping.Map(body, _ => null) is MappedPayload.Leads leads)
                foreach (var lead in leads.Mapped)
                    SendOn(lead.Lead);
        }
    }

    /// <summary>What is accepted can be put into the broker's envelope: that is where half a character would throw.</summary>
    private static void SendOn(JsonElement lead)
    {
        if (LeadReader.Read(lead, new LeadOrigin("test"), Now) is ReadLead.Accepted)
            Assert.That(Envelope.Write(Guid.Empty, new LeadSubmitted { Lead = lead }, ContractsJson.Default.LeadSubmitted), Is.Not.Empty);
    }

    private static string Garbage(Random random) =>
        string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => HeaderCharacters[random.Next(HeaderCharacters.Length)]));

    /// <summary>A body with a few bytes changed, removed, repeated or put in.</summary>
    private static byte[] Broken(byte[] body, Random random)
    {
        string[] scraps = ["\\ud800", "\\u0000", "\0", "[[[[", "null", "1e999", "{\"a\":1,\"a\":1}", "\"", "]", "}", ",", "true", "-", "%00", "--X\r\n", "\r\n", "&", "\u202e", "99999999999999999999"];
        var bytes = body.ToList();
        for (var change = random.Next(1, 5); change > 0 && bytes.Count > 0; change--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.RemoveRange(at, Math.Min(random.Next(1, 12), bytes.Count - at)); break;
                case 2: bytes.InsertRange(at, bytes.Skip(at).Take(random.Next(1, 40)).ToList()); break;
                default: bytes.InsertRange(at, Encoding.UTF8.GetBytes(scraps[random.Next(scraps.Length)])); break;
            }
        }
        return [.. bytes];
    }
}
