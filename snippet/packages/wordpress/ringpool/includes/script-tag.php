<?php

/**
 * The script tag in the pages' heads.
 *
 * @package Ringpool
 */

namespace Ringpool;

defined('ABSPATH') || exit;

/** The script's name among WordPress's scripts. */
const HANDLE = 'ringpool';

/**
 * The address of the script, or '' while service or account aren't set.
 *
 * @param array $set The settings.
 */
function script_address(array $set): string
{
    if ('' === $set['service'] || '' === $set['account']) {
        return '';
    }
    return $set['service'] . '/dni.js?account=' . rawurlencode($set['account']);
}

/** Hooked to `wp_enqueue_scripts`, which runs for pages and not for the administration. */
function enqueue_script(): void
{
    $address = script_address(settings());
    if ('' !== $address) {
        // No version: the service says itself how long the script may be kept.
        $how = array('strategy' => 'async', 'in_footer' => false);
        wp_enqueue_script(HANDLE, $address, array(), null, $how);
    }
}

/**
 * Hooked to `script_loader_tag`: gives our tag its attributes.
 *
 * @param string $tag    The HTML of a script's tag, perhaps with inline scripts beside it.
 * @param string $handle Which script's.
 */
function with_attributes($tag, $handle)
{
    if (HANDLE !== $handle || !is_string($tag)) {
        return $tag;
    }
    $attributes = '';
    foreach (settings() as $name => $value) {
        if ('' !== $value && 'service' !== $name && 'account' !== $name) {
            $value = in_array($name, SWITCHES, true) ? '' : $value;
            $attributes .= ' data-' . $name . '="' . esc_attr($value) . '"';
        }
    }
    $opening = '/<script(?=[^>]*\ssrc=["\'][^"\']*\/dni\.js)/';
    $add = static function (array $found) use ($attributes): string {
        return $found[0] . $attributes;
    };
    return preg_replace_callback($opening, $add, $tag, 1) ?? $tag;
}
