using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Intake.Forms;
using LeadPipeline.Worker.Intake.Webhooks.Mapping;
using LeadPipeline.Worker.Intake.Webhooks.Payloads;
using LeadPipeline.Worker.Intake.Webhooks.Signatures;
using Microsoft.Net.Http.Headers;

namespace LeadPipeline.Worker.Tests.Intake.Webhooks;

public sealed class MappingTests
{
    private const string Signature = "version: 1\nsignature: { scheme: hmac-sha256, header: X-Signature, encoding: hex }\n";

    [Test]
    public void Values_come_from_places_constants_and_the_first_of_several()
    {
        var lead = Map("""
            fields:
              email: { firstOf: [ /contact/work, /contact/private ] }
              name: /contact/full~1name
              source: { constant: fair }
              company: { form: "fields[company]" }
              receivedAt: /at
              customFields.budget: /answers/1/value
              enrichment.employees: /size
            """, """
            {"contact":{"work":" ","private":"p@acme.example","full/name":"Pia Post"},"fields[company]":"Acme","at":"2026-01-02T03:04:05+0100",
             "answers":[{"value":1},{"value":"10k"}],"size":250,"event":"x","nested":{"a":[1,2]}}
            """).Single().Lead;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lead.Text("email"), Is.EqualTo("p@acme.example"));
            Assert.That(lead.Text("name"), Is.EqualTo("Pia Post"));
            Assert.That(lead.Text("source"), Is.EqualTo("fair"));
            Assert.That(lead.Text("company"), Is.EqualTo("Acme"));
            Assert.That(lead.Text("receivedAt"), Does.StartWith("2026-01-02T02:04:05"));
            Assert.That(lead.At("enrichment", "employees")!.Value.ValueKind, Is.EqualTo(JsonValueKind.Number));
            Assert.That(lead.At("customFields").Members().Select(m => m.Name), Is.EquivalentTo(new[] { "budget", "event", "nested" }), "what nobody reads is kept");
        }
    }

    [Test]
    public void Leads_may_be_a_list_each_with_a_key_of_its_own()
    {
        var leads = Map("leads: /data/rows\nkey: /id\nrest: false\nfields: { email: /mail }", """{"data":{"rows":[{"id":1,"mail":"a@b.de","x":1},{"id":"2","mail":"c@d.de"}]}}""");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(leads.Select(l => l.Key), Is.EqualTo(new[] { "1", "2" }));
            Assert.That(leads.Select(l => l.Lead.GetRawText()), Is.EqualTo(new[] { """{"email":"a@b.de"}""", """{"email":"c@d.de"}""" }));
        }
    }

    [Test]
    public void Keys_of_a_header_are_counted_through_a_list()
    {
        var leads = Map("leads: ''\nkey: { header: X-Delivery }\nfields: { email: /mail }", """[{"mail":"a@b.de"},{"mail":"c@d.de"}]""");

        Assert.That(leads.Select(l => l.Key), Is.EqualTo(new[] { "d1#0", "d1#1" }));
    }

    [TestCase("""{"event":"form.submitted","email":"a@b.de"}""", true)]
    [TestCase("""{"event":"form.updated","email":"a@b.de"}""", true)]
    [TestCase("""{"event":"form.deleted","email":"a@b.de"}""", false)]
    [TestCase("""{"email":"a@b.de"}""", false)]
    public void Only_some_events_are_of_interest(string body, bool taken)
    {
        var mapped = Read("only: { /event: [form.submitted, form.updated] }\nfields: { email: /email }").Map(JsonElement.Parse(body), _ => null);

        Assert.That(mapped is MappedPayload.Leads, Is.EqualTo(taken));
    }

    [Test]
    public void A_form_with_brackets_in_its_names_can_be_mapped()
    {
        var body = VendorSamples.Body("elementor").GetValue<string>();
        var form = (FormReading.Fields)FormBody.Read(MediaTypeHeaderValue.Parse("application/x-www-form-urlencoded"), Encoding.ASCII.GetBytes(body));

        var lead = ((MappedPayload.Leads)Read("""
            rest: false
            fields:
              email: { form: "fields[email][value]" }
              name: { form: "fields[name][value]" }
              message: { form: "fields[message][value]" }
            """).Map(form.ToObject(), _ => null)).Mapped.Single().Lead;

        Assert.That(lead.GetRawText(), Is.EqualTo(JsonSerializer.Serialize(new { email = "chloe+site@ruddock.example", name = "Chloé Ruddock", message = "It's for 9 depots.\r\nWhen?" })));
    }

    [TestCase("version: 2\nsignature: { scheme: shared-secret, header: X-S }\nfields: { email: /e }", "m.yaml:1: 'version' is missing or another; write version: 1")]
    [TestCase("version: 1\nfields: { email: /e }", "m.yaml:1: 'signature' is missing or not a mapping")]
    [TestCase("version: 1\nsignature: { scheme: none }\nfields: { email: /e }", "m.yaml:2: 'scheme' is missing or another; there are hmac-sha256 and shared-secret")]
    [TestCase("version: 1\nsignature:\n  scheme: hmac-sha256\n  header: X S\n  encoding: hex\nfields: { email: /e }", "m.yaml:4: 'header' is missing or no name of a header")]
    [TestCase("version: 1\nsignature: { scheme: hmac-sha256, header: X-S, encoding: octal }\nfields: { email: /e }", "m.yaml:2: 'encoding' is missing or another; there are hex and base64")]
    [TestCase("version: 1\nsignature: { scheme: shared-secret, header: X-S, prefix: x }\nfields: { email: /e }", "m.yaml:2: 'prefix' is not a key here")]
    [TestCase("version: 1\nsignature: { scheme: hmac-sha256, header: X-S, encoding: hex, signed: '{timestamp}.{body}' }\nfields: { email: /e }", "m.yaml:2: a 'timestamp' has to be signed")]
    [TestCase("version: 1\nsignature: { scheme: hmac-sha256, header: X-S, encoding: hex, timestamp: { header: X-T } }\nfields: { email: /e }", "m.yaml:2: a 'timestamp' has to be signed")]
    [TestCase("version: 1\nsignature: { scheme: hmac-sha256, header: X-S, encoding: hex, signed: '{id}' }\nfields: { email: /e }", "m.yaml:2: '{id' is no part of a post")]
    [TestCase(Signature + "fields: { name: /n }", "m.yaml:3: no field is 'email'")]
    [TestCase(Signature + "fields: { email: /e, leadId: /i }", "m.yaml:3: 'leadId' is no field of a lead")]
    [TestCase(Signature + "fields: { email: /e, crm.owner: /i }", "m.yaml:3: 'crm.owner' is no field of a lead")]
    [TestCase(Signature + "fields: { email: contact/email }", "m.yaml:3: 'contact/email' is not a JSON pointer; it begins with a slash")]
    [TestCase(Signature + "fields: { email: /a~2 }", "m.yaml:3: '/a~2' is not a JSON pointer; write ~0")]
    [TestCase(Signature + "fields: { email: { firstOf: [ { firstOf: [ /a ] } ] } }", "m.yaml:3: a value is a pointer")]
    [TestCase(Signature + "fields: { email: /e }\ntrusted: maybe", "m.yaml:4: 'trusted' is not true or false")]
    [TestCase(Signature + "fields: { email: /e }\nfeilds: {}", "m.yaml:4: 'feilds' is not a key here; did you mean 'fields'?")]
    [TestCase(Signature + "fields: { email: /e }\nonly: [a]", "m.yaml:4: 'only' is a mapping of pointers")]
    [TestCase("a: [", "m.yaml:")]
    [TestCase("", "m.yaml:1: the file holds no mapping")]
    public void A_bad_file_is_refused_with_the_line(string yaml, string fault)
    {
        var reading = MappingReader.Read("m.yaml", Encoding.UTF8.GetBytes(yaml));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(reading.Result, Is.Null);
            Assert.That(reading.Faults, Has.Some.StartsWith(fault));
        }
    }

    [Test]
    public void A_file_says_how_the_sender_signs()
    {
        var mapping = MappingReader.Read("m.yaml", Encoding.UTF8.GetBytes("""
            version: 1
            trusted: true
            signature:
              scheme: hmac-sha256
              header: X-Hook
              encoding: base64
              prefix: "v1="
              signed: "{method} {url}\n{timestamp}.{body}"
              timestamp: { header: X-Time, unit: milliseconds }
            fields: { email: /e }
            """)).Result!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(mapping.Trusted, Is.True);
            Assert.That(mapping.Scheme, Is.InstanceOf<HmacSignature>().With.Property("Prefix").EqualTo("v1=").And.Property("Encoding").EqualTo(SignatureEncoding.Base64)
                .And.Property("Time").EqualTo(new SignedTime("X-Time", TimeUnit.Milliseconds)));
        }
    }

    private static MappingFile Read(string yaml)
    {
        var reading = MappingReader.Read("m.yaml", Encoding.UTF8.GetBytes(Signature + yaml));
        return reading.Result ?? throw new InvalidOperationException(string.Join("; ", reading.Faults));
    }

    private static IReadOnlyList<MappedLead> Map(string yaml, string body) =>
        ((MappedPayload.Leads)Read(yaml).Map(JsonElement.Parse(body), name => name == "X-Delivery" ? "d1" : null)).Mapped;
}
