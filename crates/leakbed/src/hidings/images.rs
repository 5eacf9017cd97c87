//! Keys in container images, office documents and other containers of containers.
use super::archives::{gzip, tar_of, zip_of, zlib, zstd_of};
use super::encoded::dotenv;
use crate::chance::Chance;
use crate::hiding::Hiding;
use crate::trouble::Result;

pub(super) const HIDINGS: &[Hiding] = &[
    Hiding::bytes("docker_save", "image.tar", &["tar", "tar"], |k, c| {
        docker(&tar_of(&[("app/.env", &dotenv(k))])?, "[]", c)
    }),
    Hiding::bytes("docker_save", "image-gzip.tar", &["tar", "gzip", "tar"], |k, c| {
        docker(&gzip(&tar_of(&[("app/.env", &dotenv(k)), ("app/a", c.prose(900).as_bytes())])?), "[]", c)
    }),
    Hiding::bytes("docker_save", "image.tar.gz", &["gzip", "tar", "tar", "gzip"], |k, c| {
        Ok(gzip(&docker(&tar_of(&[("var/log/a.gz", &gzip(&dotenv(k)))])?, "[]", c)?))
    }),
    Hiding::bytes("docker_save_config", "config.tar", &["tar"], |k, c| {
        docker(&tar_of(&[("app/a.txt", b"a")])?, &format!("[\"PATH=/bin\",\"N8N_API_KEY={k}\"]"), c)
    }),
    Hiding::bytes("oci_layout", "oci.tar", &["tar", "zstd", "tar"], |k, c| {
        let layer = zstd_of(&tar_of(&[("srv/.env", &dotenv(k))])?)?;
        let digest = c.hex(64);
        let index = format!("{{\"schemaVersion\":2,\"manifests\":[{{\"digest\":\"sha256:{digest}\",\"size\":{}}}]}}", layer.len());
        tar_of(&[
            ("oci-layout", b"{\"imageLayoutVersion\":\"1.0.0\"}"),
            ("index.json", index.as_bytes()),
            (&format!("blobs/sha256/{digest}"), &layer),
        ])
    })
    .extra(),
    Hiding::bytes("docx", "runbook.docx", &["zip"], |k, c| {
        let document = format!(
            "<?xml version=\"1.0\"?><w:document><w:body><w:p><w:r><w:t>{}</w:t></w:r></w:p><w:p><w:r><w:t>Key: {k}</w:t></w:r></w:p></w:body></w:document>",
            c.prose(600)
        );
        zip_of(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", document.as_bytes())])
    })
    .extra(),
    Hiding::bytes("xlsx", "accounts.xlsx", &["zip"], |k, _| {
        let strings = format!("<sst count=\"2\"><si><t>key</t></si><si><t>{k}</t></si></sst>");
        zip_of(&[("xl/workbook.xml", b"<workbook/>"), ("xl/sharedStrings.xml", strings.as_bytes())])
    })
    .extra(),
    Hiding::bytes("jar", "worker.jar", &["zip"], |k, c| {
        let settings = format!("n8n.url=http://n8n\nn8n.key={k}\n");
        zip_of(&[
            ("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\r\n"),
            ("A.class", &c.bytes(800)),
            ("application.properties", settings.as_bytes()),
        ])
    })
    .extra(),
    Hiding::bytes("pdf_stream", "handover.pdf", &["zlib"], |k, _| {
        let stream = zlib(format!("BT /F1 12 Tf 72 720 Td (Key: {k}) Tj ET").as_bytes())?;
        let head = format!("%PDF-1.7\n1 0 obj\n<< /Filter /FlateDecode /Length {} >>\nstream\n", stream.len());
        Ok([head.as_bytes(), &stream, b"\nendstream\nendobj\n%%EOF\n"].concat())
    })
    .extra(),
    Hiding::bytes("png_text", "diagram.png", &["zlib"], |k, c| {
        let text = [b"comment\0\0".as_slice(), &zlib(k.as_bytes())?].concat();
        let parts = [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            chunk(*b"IHDR", b"\0\0\0\x01\0\0\0\x01\x08\0\0\0\0"),
            chunk(*b"zTXt", &text),
            chunk(*b"IDAT", &zlib(&c.bytes(2))?),
            chunk(*b"IEND", b""),
        ];
        Ok(parts.concat())
    })
    .extra(),
];

/// What `docker save` writes for an image of one layer.
fn docker(layer: &[u8], environment: &str, chance: &mut Chance) -> Result<Vec<u8>> {
    let (id, layer_id) = (chance.hex(64), chance.hex(64));
    let config =
        format!("{{\"architecture\":\"amd64\",\"config\":{{\"Env\":{environment}}},\"os\":\"linux\"}}");
    let manifest = format!(
        "[{{\"Config\":\"{id}.json\",\"RepoTags\":[\"worker:3\"],\"Layers\":[\"{layer_id}/layer.tar\"]}}]"
    );
    tar_of(&[
        (&format!("{layer_id}/VERSION"), b"1.0"),
        (&format!("{layer_id}/layer.tar"), layer),
        (&format!("{id}.json"), config.as_bytes()),
        ("manifest.json", manifest.as_bytes()),
        ("repositories", b"{}"),
    ])
}

fn chunk(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(&name);
    crc.update(content);
    let length = u32::try_from(content.len()).unwrap_or_default();
    [&length.to_be_bytes(), name.as_slice(), content, &crc.sum().to_be_bytes()].concat()
}
